#!/bin/sh
# Becomes the command that it is given.
exec "$@"
