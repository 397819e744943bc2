"""Stories on request: those of the corpus, asked for by their nouns, and made-up ones
(plots.txt).
"""
import os
import re

import words

PLOTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plots.txt")
ASK = [
    "Tell me a story about {}.",
    "Tell me a story about {}.",
    "tell me a story about {}",
    "Can you tell me a story about {}?",
    "Write a short story about {}.",
    "I want a story about {}.",
    "a story about {} please",
    "Please tell me a tiny story about {}.",
    "Make up a story about {}.",
    "story about {}",
    "Could you write a little story about {}?",
    "tell a story with {} in it",
    "Tell me a bedtime story about {}.",
    "I would like to hear a story about {}.",
    "Tell me about {}, as a story.",
    "write me a tale of {}",
    "A short story with {}, please!",
    "do you know a story about {}?",
]
ASK_ANY = [
    "Tell me a story.",
    "tell me a story",
    "Can you tell me a story?",
    "I want to hear a story.",
    "Write a short story.",
    "a story please",
    "Tell me a bedtime story.",
    "Tell me another story.",
    "another one",
    "Do you know a story?",
    "story time!",
    "make up a story",
]
HIS = {"he": ("him", "his", "himself"), "she": ("her", "her", "herself")}


def named(noun):
    """A noun as one asks for it."""
    if noun in words.KIN:
        return noun
    return "the " + noun if noun in words.SKY else words.article(noun)


def subjects(story):
    """The known nouns of a story, the most frequent first."""
    count = {}
    for word in re.findall(r"[a-z]+", story.lower()):
        word = word if word in words.NOUNS else word[:-1]
        if word in words.NOUNS:
            count[word] = count.get(word, 0) + 1
    return sorted(count, key=lambda w: -count[w])


def read_plots(path):
    """[(roles, sentences)]; a sentence is a list of alternatives."""
    plots = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("@"):
                plots.append((line[1:].split(), []))
            elif not line.startswith("#"):
                plots[-1][1].append([part.strip() for part in line.split("|")])
    return plots


# The roles that a noun of each class can play, the most natural first.
ROLES = [
    (words.ANIMALS + words.FEMALE + words.MALE + words.PEOPLE + words.BEINGS, ["hero", "other"]),
    (list(words.KIN), ["other", "hero"]),
    (words.SKY, ["other"]),
    (words.BREAKABLE, ["thing", "item"]),
    (words.VEHICLES, ["vehicle"]),
    (words.THINGS, ["item"]),
    (words.MADE, ["food", "item"]),
    (words.FRUITS, ["item"]),
    (words.COOKED, ["food", "item"]),
    (words.SOME, ["item"]),
    (words.PLACES, ["place"]),
    (words.ALIVE, ["hero", "other"]),
]


# The order in which a request usually names what plays them.
ORDER = ["hero", "other", "thing", "item", "food", "vehicle", "place"]
NEVER_ALONE = set(words.KIN) | set(words.SKY)
# Roles of plots that only some can play.
NARROW = {
    "stranger": ("other", NEVER_ALONE, None),
    "outside": ("place", set(), set(words.OUTSIDE)),
}


def offers(roles, role, noun):
    """Whether a plot with these roles has one for a noun that wants to play `role`."""
    for name in roles:
        general, never, only = NARROW.get(name, (name, (), None))
        if general == role and noun not in never and (only is None or noun in only):
            return True
    return False


class StoryWriter:
    def __init__(self, texts, random):
        self.random, self.plots = random, read_plots(PLOTS)
        told = [t for t in texts if len(t) < 700 and t[0].isupper() and t[-1] in '.!?"']
        self.told = [(t, subjects(t)[:4]) for t in told]

    def turns(self):
        """[user, assistant]: a request and its story."""
        r = self.random
        nouns, story = self.from_corpus() if r.random() < 0.02 else self.made()
        if not nouns or r.random() < 0.06:
            return [("user", r.choice(ASK_ANY)), ("assistant", story)]
        request = r.choice(ASK).format(words.joined(nouns))
        return [("user", request), ("assistant", story)]

    def from_corpus(self):
        r = self.random
        story, nouns = r.choice(self.told)
        chosen = nouns[: r.choice([1, 2, 2, 3])]
        r.shuffle(chosen)
        return [named(n) for n in chosen], story

    def made(self):
        """(what is asked for, a story): nouns get roles, a plot has these, chance adds others."""
        r = self.random
        while True:
            cast = {}
            for _ in range(r.choice([1, 2, 2, 2, 3, 3])):
                classes, roles = r.choice(ROLES)
                role = r.choice(roles)
                cast.setdefault(role, r.choice(classes))
            if "thing" in cast and "item" in cast or len(set(cast.values())) < len(cast):
                continue
            if "other" in cast and "hero" not in cast and cast["other"] not in NEVER_ALONE:
                continue  # of the living ones that are named, the first is the hero
            fitting = [
                p
                for p in self.plots
                if all(offers(p[0] + ["hero"], *wish) for wish in cast.items())
            ]
            if fitting:
                break
        roles, sentences = r.choice(fitting)
        full = self.fill([NARROW.get(role, (role,))[0] for role in roles], cast, roles)
        asked = [self.asked(role, full) for role in ORDER if role in cast]
        if r.random() < 0.2 and not {"hero", "other"} <= set(cast):
            r.shuffle(asked)
        values = Names(full, r).values
        parts = [r.choice(sentence).format_map(values) for sentence in sentences]
        if all(full[role + "_noun"] in " ".join(parts) for role in cast):
            half = len(parts) // 2
            return asked, " ".join(parts[:half]) + ("\n" if r.random() < 0.3 else " ") + " ".join(
                parts[half:]
            )
        return self.made()

    def fill(self, roles, cast, exact):
        """{role: phrase, role_noun: noun} for the hero and the plot's roles."""
        r = self.random
        living = words.ANIMALS * 2 + words.FEMALE + words.MALE + words.PEOPLE + words.BEINGS
        chance = {
            "hero": living,
            "other": living + list(words.KIN) * 3,
            "item": words.THINGS,
            "thing": words.BREAKABLE,
            "food": words.MADE + words.COOKED,
            "place": words.PLACES,
            "vehicle": words.VEHICLES,
            "weather": words.WEATHER,
            "skill": words.SKILLS,
        }
        if "stranger" in exact:
            chance["other"] = living
        if "outside" in exact:
            chance["place"] = words.OUTSIDE
        full = {}
        for role in ["hero"] + roles:
            noun = cast.get(role) or r.choice([n for n in chance[role] if n not in cast.values()])
            full[role + "_noun"] = noun
            looks = role in ("item", "thing", "vehicle") and noun not in words.SOME
            full[role] = r.choice(words.LOOKS) + " " + noun if looks and r.random() < 0.25 else noun
        full["asked_trait"] = r.choice(words.TRAITS) if r.random() < 0.12 else ""
        full["asked_name"] = r.random() < 0.08
        return full

    def asked(self, role, full):
        """How the request names what plays a role."""
        noun = full[role + "_noun"]
        if role == "hero" and noun not in words.KIN:
            if full["asked_trait"]:
                return words.article(full["asked_trait"] + " " + noun)
            if (
                self.random.random() < 0.05
                and noun + "s" not in words.NOUNS
                and noun[-1] in "bdgklmnprtw"
            ):
                return noun + "s"
        if role in ("item", "thing", "vehicle") and self.random.random() < 0.5:
            return words.article(full[role])
        return named(noun)


class Names:
    """The values that a plot's sentences are filled with."""

    def __init__(self, full, random):
        self.random = random
        self.values = {}
        self.hero(full)
        if "other" in full:
            self.other(full["other"], self.values["his"])
        for role in ("item", "thing", "food", "vehicle"):
            if role in full:
                self.both("the_" + role, "the " + full[role])
                self.both("a_" + role, words.article(full[role]))
                self.both("an_" + role, words.article(full[role]))
                self.values[role] = full[role + "_noun"]
        if "place" in full:
            self.both("the_place", "the " + full["place"])
            self.both("in_place", words.where(full["place"]))
            self.both("to_place", "to the " + full["place"])
        self.values["weather"] = full.get("weather", "")
        self.values["skill"] = full.get("skill", "")

    def both(self, key, text):
        self.values[key] = text
        self.values[words.capital(key)] = words.capital(text)

    def gender(self, noun):
        if noun in words.KIN:
            return words.KIN[noun]
        return (
            "she"
            if noun in words.FEMALE
            else "he"
            if noun in words.MALE
            else self.random.choice(["he", "she"])
        )

    def hero(self, full):
        r, noun = self.random, full["hero_noun"]
        he = self.gender(noun)
        name = r.choice(words.GIVEN[he])
        trait = full["asked_trait"] or (r.choice(words.TRAITS) if r.random() < 0.6 else "")
        short = words.article((trait + " " + noun).strip())
        self.both("a_hero", short + r.choice([" named ", " named ", " called "]) + name)
        self.both("a_hero_short", short)
        him, his, himself = HIS[he]
        self.both("he", he)
        self.both("his", his)
        self.values.update(N=name, him=him, himself=himself)

    def other(self, noun, his_of_hero):
        he = self.gender(noun)
        if noun in words.KIN:
            a, the = his_of_hero + " " + noun, his_of_hero + " " + noun
        elif noun in words.SKY:
            a, the = "the " + noun, "the " + noun
        else:
            trait = self.random.choice(words.TRAITS) + " " if self.random.random() < 0.3 else ""
            a, the = words.article(trait + noun), "the " + noun
        self.both("an_other", a)
        self.both("the_other", the)
        self.both("o_he", he)
        self.values.update(o_him=HIS[he][0], o_his=HIS[he][1])
