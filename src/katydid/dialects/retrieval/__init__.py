"""APIs that answer a list of texts with a vector or a score for each: embeddings and rerankers. Never streamed."""
