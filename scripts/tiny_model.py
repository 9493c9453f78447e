"""Make the smallest model that a real engine loads, a Llama of two layers without weights: tiny_model.py FOLDER.

The engine makes up the weights (`--load-format dummy`). The byte-level tokenizer is trained here on the pages of docs/.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<begin>", "<end>"
WORDS = 2000
LONGEST = 4096
TEMPLATE = (
    "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}" + END + "{% endfor %}[assistant] "
)


def tokenizer() -> Tokenizer:
    """Train a tokenizer that accepts any text."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS, special_tokens=[BEGIN, END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    made.train([str(page) for page in sorted(DOCS.rglob("*.md"))], trainer)
    return made


def main(folder: Path) -> None:
    """Write the model's files."""
    folder.mkdir(parents=True, exist_ok=True)
    words = tokenizer()
    words.save(str(folder / "tokenizer.json"))
    files = {
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": BEGIN,
            "eos_token": END,
            "model_max_length": LONGEST,
            "chat_template": TEMPLATE,
        },
        "generation_config.json": {},
        "config.json": {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": words.get_vocab_size(),
            "max_position_embeddings": LONGEST,
            "num_hidden_layers": 2,
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "tie_word_embeddings": True,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "torch_dtype": "float32",
        },
    }
    for name, content in files.items():  # config.json last, so that it exists only if all files do
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
