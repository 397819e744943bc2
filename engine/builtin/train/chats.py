"""Conversations for training: questions with facts, small talk, the world, stories, in any
order.
"""
import random as randomness
import re

import corpus
import facts
import stories
import talk

SYSTEM = [
    "You are a helpful assistant.",
    "Answer briefly.",
    "You are ryot's built-in model.",
    "Be kind and short.",
    "You are a friendly, honest assistant.",
    "Answer in one sentence.",
    "You are a storyteller.",
]


class Writer:
    """next() gives one conversation, [(role, text)], from the generator `random`."""

    def __init__(self, folder, facts_path, random):
        train, _ = corpus.load(folder)
        texts = [
            t
            for name in ("fables", "fairy_tales", "picture_books", "tinystories")
            for t in train[name]
        ]
        sample = randomness.Random(3).sample(texts, 1500)
        sentences = [
            s
            for t in sample
            for s in re.split(r"(?<=[.!?])\s+", t)
            if 25 < len(s) < 250 and "\n" not in s
        ]
        self.random = random
        self.facts = facts.FactWriter(facts_path, sentences, random)
        self.stories = stories.StoryWriter(
            train["tinystories"] + train["tinystories_recased"], random
        )
        self.talk = talk.Talker(corpus.questions(folder), random)

    def next(self):
        r = self.random
        turns = [("system", r.choice(SYSTEM))] if r.random() < 0.05 else []
        for _ in range(r.choice([1, 1, 1, 2, 2, 3, 4])):
            turns += r.choices([self.facts.turns, self.talk.turns, self.stories.turns], [3, 4, 6])[
                0
            ]()
        return turns
