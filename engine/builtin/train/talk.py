"""Small talk (talk.txt), questions about the world, and what the network says to both."""
import os
import re

import facts
import words

TALK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "talk.txt")
HONEST = [
    "I do not know: I am too small for facts about the world. "
    "Load a bigger model with -m and ask it.",
    "I do not know that. I am too small to know the world; "
    "a bigger model, loaded with -m, may know.",
    "I am sorry, I am too small to know that. "
    "I only know a little small talk, ryot and tiny stories.",
]
BEFORE = [
    "hey, ",
    "so ",
    "so, ",
    "well, ",
    "ok, ",
    "and ",
    "please, ",
    "oh, ",
    "hm, ",
    "ryot, ",
    "tell me, ",
]
AFTER = [
    " please",
    " now",
    " then",
    " today",
    ", please",
    " ryot",
    " my friend",
    " again",
    "?",
    "!",
    "...",
]
ASK_NAME = [
    "What is my name?",
    "what's my name?",
    "do you remember my name?",
    "who am I?",
    "what am I called?",
    "my name?",
]
FILLERS = {
    "animal": words.ANIMALS,
    "thing": words.THINGS,
    "food": words.FOODS,
    "place": words.PLACES,
    "name": words.GIVEN["he"]
    + words.GIVEN["she"]
    + """
Peter Maria Alex Julia David Eva Jonas Laura Simon Kate Mark Ali Omar Fatima Yuki Ken Mei Ravi
Priya Ivan Olga Luis Carmen Marco Sofia Adam Ruth George Alice Bob Frank Helen Wei Aisha Noah
Liam Emil Greta Sven Ingrid Pablo Chloe Igor Hana Zara Kofi
""".split(),
}


def read_talk(path):
    """([(what people say, what it answers)], {list: its entries})."""
    pairs, lists = [], {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line[0] == "%":
                name, entries = line[1:].split(":", 1)
                lists.setdefault(name.strip(), []).extend(e.strip() for e in entries.split("|"))
                continue
            parts = [part.strip() for part in line[1:].split("|")]
            if line[0] == "?":
                pairs.append((parts, []))
            elif line[0] == "=":
                pairs[-1][1].extend(parts)
    return pairs, lists


class Talker:
    def __init__(self, questions, random):
        """questions: other people's questions about tales, that it can not answer."""
        self.random, self.questions = random, questions
        self.pairs, self.lists = read_talk(TALK)
        self.fillers = dict(FILLERS, topic=self.lists["topic"])
        self.weights = [len(asked) ** 0.7 for asked, _ in self.pairs]

    def fill(self, asked, answer):
        """Both with the same words in their gaps."""
        r = self.random
        values = {gap: r.choice(choices) for gap, choices in self.fillers.items()}
        if r.random() < 0.4:
            values["name"] = words.capital(words.invented(r))
        for gap in ("animal", "thing"):
            if r.random() < 0.3:
                values[gap] = r.choice(words.MORE[gap])
        values.update(
            n="%d" % r.randrange(10 ** r.randrange(1, 5)),
            m="%d" % r.randrange(1, 10 ** r.randrange(1, 4)),
        )
        asked, answer = [
            re.sub(r"{(\w+)}", lambda m: values[m.group(1)], text) for text in (asked, answer)
        ]
        return [re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", text) for text in (asked, answer)]

    def small(self):
        r = self.random
        asked, answers = r.choices(self.pairs, self.weights)[0]
        asked, answer = self.fill(r.choice(asked), r.choice(answers))
        return asked, answer

    def world(self):
        r = self.random
        if r.random() < 0.35:
            return r.choice(self.questions), r.choice(HONEST)
        form = r.choice(self.lists["about"])
        return form.format(
            *[r.choice(self.lists["topic"]) for _ in range(form.count("{}"))]
        ), r.choice(HONEST)

    def met(self):
        """A name that is told, and asked for later."""
        r = self.random
        unknown = r.random() < 0.4
        name = words.capital(words.invented(r)) if unknown else r.choice(FILLERS["name"])
        told, hello = [p for p in self.pairs if "my name is {name}" in p[0]][0]
        turns = [r.choice(told), r.choice(hello)]
        if r.random() < 0.5:
            turns += self.small()
        turns += [r.choice(ASK_NAME), "Your name is {name}."]
        return [t.replace("{name}", name) for t in turns]

    def turns(self):
        r = self.random
        kind = r.choices([self.small, self.world, self.met], [6, 3, 1])[0]
        said = list(kind())
        for i in range(0, len(said), 2):
            said[i] = varied(said[i], r)
        return list(zip(["user", "assistant"] * len(said), said))


def varied(text, random):
    """As somebody types it: with or without capitals, mark, a word before or after, a slip."""
    if random.random() < 0.18:
        text = random.choice(BEFORE) + text
    if random.random() < 0.1 and text[-1].isalpha():
        text += random.choice(AFTER)
    roll = random.random()
    if roll < 0.3:
        text = words.capital(text)
    elif roll < 0.5:
        text = text.lower().rstrip(".?!") or text
    return facts.slip(text, random) if random.random() < 0.06 else text
