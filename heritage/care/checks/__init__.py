"""What `heritage doctor` looks at: each check says what it found and what to do about it.

Checks only look. None of them makes a catalogue, a folder or a lasting file, and none waits for
the network longer than ``PATIENCE`` seconds.
"""
