"""Conversations for training: questions with facts, small talk, the world, stories, in any
order.
"""
import random as randomness
import re

import corpus
import facts
import stories
import talk

SYSTEM = (
    """
You are a helpful assistant. | Answer briefly. | You are ryot's built-in model. | Be kind and short.
You are a friendly, honest assistant. | Answer in one sentence. | You are a storyteller.
Be nice. | Answer politely. | You are a pirate. | Talk like a pirate. | You are a wise old owl.
You are an expert in Linux. | Use simple words. | Answer as short as you can. | Be funny.
You are talking to a child. | My name is Alex. | The user is a beginner. | Never use emojis.
Keep your answers under fifty words. | You are a teacher. | Think before you answer. | Be formal.
You help me with my terminal. | Answer in English. | You are a poet. | Always be honest.
Do not make things up. | If you do not know, say so. | You are a cat. | Speak slowly and clearly.
""".strip()
    .replace("\n", " | ")
    .split(" | ")
)
# Messages that are no question: an unrelated fact before them changes nothing.
QUESTION = re.compile(
    r"\?|^\W*(how|what|which|where|why|who|when|can|could|is|are|do|does|did|will|would|should|tell|"
    r"show|explain|give|help|so|ryot)\b",
    re.I,
)


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
        turns = [("system", self.system())] if r.random() < 0.12 else []
        for _ in range(r.choice([1, 1, 1, 2, 2, 3, 4])):
            turns += r.choices([self.facts.turns, self.small, self.stories.turns], [6, 6, 4])[0]()
        return turns

    def system(self):
        """What a user may have set: an instruction, or any sentence."""
        r = self.random
        return r.choice(SYSTEM) if r.random() < 0.8 else r.choice(self.facts.sentences)

    def small(self):
        """Small talk; now and then with a fact before it that a search found and that does not fit."""
        r, turns = self.random, self.talk.turns()
        roll = r.random()
        if roll < 0.1:
            return [("system", facts.UNSURE)] + turns
        if roll < 0.14 and len(turns) == 2 and not QUESTION.search(turns[0][1]):
            return [("system", self.facts.any_fact())] + turns
        return turns
