"""The vocabulary: SentencePiece BPE with byte fallback, digits one by one; the turns of a chat."""
import io
import random

import sentencepiece

SPECIALS = ["<|user|>", "<|assistant|>", "<|system|>", "<|end|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + "
    "'<|end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)
SIGNS = "^/_|<>=+*#@&%$~`{}[]\\-.,;:!?'\"()0123456789"
UNK, BOS, EOS = 0, 1, 2


def train(path, size, texts, facts):
    """Write a vocabulary of `size` to path; facts (lines) weigh as much as a third of texts."""
    lines = [line for text in texts for line in text.split("\n") if line.strip()]
    repeat = max(1, sum(map(len, lines)) // (3 * sum(map(len, facts))))
    lines += facts * repeat + [SIGNS, " ".join(SIGNS)] * 3
    random.Random(0).shuffle(lines)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="bpe",
        vocab_size=size,
        byte_fallback=True,
        character_coverage=0.9995,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        split_digits=True,
        control_symbols=SPECIALS,
        required_chars=SIGNS,
        max_sentence_length=20000,
        num_threads=2,
        unk_id=UNK,
        bos_id=BOS,
        eos_id=EOS,
        pad_id=-1,
        minloglevel=1,
    )
    with open(path, "wb") as file:
        file.write(model.getvalue())


class Tokenizer:
    def __init__(self, path):
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=path)
        user, assistant, system, self.end = [self.pieces.piece_to_id(s) for s in SPECIALS]
        self.roles = {"user": user, "assistant": assistant, "system": system}
        self.newline = self.pieces.encode("\n")

    def encode(self, text):
        return self.pieces.encode(text)

    def decode(self, ids):
        return self.pieces.decode([int(i) for i in ids])

    def document(self, text):
        return [BOS] + self.encode(text) + [EOS]

    def chat(self, turns):
        """(ids, counted) of [(role, text)]; counted is 1 on the assistant's words and their end."""
        ids, counted = [BOS], [0]
        for role, text in turns:
            said = self.encode(text) + [self.end]
            ids += [self.roles[role]] + self.newline + said + self.newline
            counted += (
                [0] * (1 + len(self.newline))
                + [int(role == "assistant")] * len(said)
                + [0] * len(self.newline)
            )
        return ids, counted

    def prompt(self, turns):
        return self.chat(turns)[0] + [self.roles["assistant"]] + self.newline
