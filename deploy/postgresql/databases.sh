#!/bin/sh
# Two databases of two users: the catalogue must outlast Prefect's, which may be wiped at any time.
# Run once, by the image's entry point, on an empty data folder.
set -eu
for name in heritage prefect; do
    case $name in
        heritage) password=$CATALOGUE_PASSWORD ;;
        prefect) password=$PREFECT_PASSWORD ;;
    esac
    psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --set=name="$name" --set=password="$password" \
        --username "$POSTGRES_USER" --dbname "${POSTGRES_DB:-postgres}" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
