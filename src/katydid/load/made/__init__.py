"""What requests are made of: text, prompts, several texts each, pictures; and how the target counts them. Pure."""
