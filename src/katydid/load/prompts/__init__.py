"""What users say: entries of a file of prompts in any of the forms that people have, and which one comes next. Pure."""
