"""Training rows: windows of the corpus, and conversations until a row is full."""
import os

import numpy as np

# Share of the rows of each stage. "chats" are the conversations of chats.py, all else the corpus.
SHARES = {
    "base": {
        "tinystories": 2.2,
        "tinystories_recased": 1.6,
        "picture_books": 0.5,
        "fables": 0.8,
        "fairy_tales": 0.3,
        "dialogues": 0.6,
        "chats": 4.0,
    },
    "chat": {
        "tinystories": 1.2,
        "tinystories_recased": 0.5,
        "fables": 0.3,
        "dialogues": 0.4,
        "chats": 7.6,
    },
}


class Stream:
    """Windows of n + 1 tokens in random order; every pass over the text begins elsewhere."""

    def __init__(self, ids, n, random):
        self.ids, self.n, self.random, self.starts = ids, n, random, []

    def row(self):
        if not self.starts:
            first = self.random.randrange(self.n)
            self.starts = list(range(first, len(self.ids) - self.n - 1, self.n))
            self.random.shuffle(self.starts)
        start = self.starts.pop()
        return self.ids[start : start + self.n + 1], np.ones(self.n + 1, dtype=np.uint8)


class Conversations:
    """Rows filled with conversations; counted are all tokens, or only what the assistant says."""

    def __init__(self, next_chat, tokenizer, n, count_all):
        self.next_chat, self.tokenizer, self.n, self.count_all = next_chat, tokenizer, n, count_all

    def row(self):
        ids, counted = [], []
        while len(ids) < self.n + 1:
            more, mask = self.tokenizer.chat(self.next_chat())
            ids += more
            counted += [1] * len(mask) if self.count_all else mask
        return np.array(ids[: self.n + 1]), np.array(counted[: self.n + 1], dtype=np.uint8)


class Mix:
    def __init__(self, stage, folder, next_chat, tokenizer, window, random):
        self.random, self.names = random, list(SHARES[stage])
        self.shares = [SHARES[stage][name] for name in self.names]
        self.sources = {"chats": Conversations(next_chat, tokenizer, window, stage == "base")}
        for name in self.names:
            if name != "chats":
                self.sources[name] = Stream(
                    np.load(tokens_path(folder, "train", name)), window, random
                )

    def batch(self, rows):
        """(ids, counted), each [rows][window + 1]."""
        names = self.random.choices(self.names, self.shares, k=rows)
        made = [self.sources[name].row() for name in names]
        return (
            np.stack([ids for ids, _ in made]).astype(np.int64),
            np.stack([counted for _, counted in made]).astype(np.int64),
        )


def tokens_path(folder, split, name):
    return os.path.join(folder, "%s-%s.npy" % (split, name))


def save_tokens(folder, split, sources, tokenizer):
    """One array of ids for each source; a dialogue's turns alternate between user and assistant."""
    for name, documents in sources.items():
        ids = []
        for document in documents:
            if isinstance(document, str):
                ids += tokenizer.document(document)
            else:
                roles = ["user", "assistant"] * len(document)
                ids += tokenizer.chat(list(zip(roles, document)))[0]
        np.save(tokens_path(folder, split, name), np.array(ids, dtype=np.uint16))
        print("%-8s%-24s%9d tokens" % (split, name, len(ids)), flush=True)
