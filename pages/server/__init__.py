"""What surrounds the pages: start and stop of the process, limits, headers, its housekeeping."""
