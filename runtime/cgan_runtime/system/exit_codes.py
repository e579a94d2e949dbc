"""Exit codes of the commands, as shells know them; 0 is success, and click leaves with 2 at a wrong usage."""

EXIT_ERROR = 1
EXIT_USAGE = 2
SIGNAL_EXIT = 128  # plus the number of the signal that ended the process
EXIT_INTERRUPTED = SIGNAL_EXIT + 2  # SIGINT
