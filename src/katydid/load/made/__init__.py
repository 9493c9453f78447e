"""Generated requests: text, prompts, batches of texts, images, and calibration to the target's token count. Pure."""
