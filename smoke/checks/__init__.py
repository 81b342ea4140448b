"""What is asked and what the answers mean, one family of checks a module. Pure: nothing here reaches out."""
