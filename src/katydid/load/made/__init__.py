"""What requests are made of beside a prompt each: several texts, and pictures. Pure."""
