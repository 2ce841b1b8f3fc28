"""What an export is to be: typed at the command line, or in files under version control."""
