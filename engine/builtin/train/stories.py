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
    "I'd love a story about {}",
    "please write a story. It should be about {}.",
    "now one about {}",
    "one more story, this time about {}",
    "what about a story with {}?",
    "story: {}",
    "Once more, but about {}.",
]
ASK_LONG = [
    "Tell me a long story about {}.",
    "a longer story about {} please",
    "Write a long tale about {}.",
    "tell me a long, long story about {}",
]
LINKS = {
    "other": ["who meets {}", "who helps {}", "and {}", "who is afraid of {}"],
    "item": ["who finds {}", "who has {}", "who wants {}", "with {}", "and {}", "who lost {}"],
    "thing": ["who breaks {}", "who has {}", "with {}", "and {}"],
    "food": ["who makes {}", "who cooks {}", "who likes {}", "and {}"],
    "vehicle": ["who has {}", "with {}", "in {}", "who travels with {}"],
}
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
    "a short story please",
    "tell me one of your stories",
    "Please tell me a little story.",
    "another story please",
    "one more",
    "a story",
    "can I have a story?",
    "I would like a story",
    "tell me a tale",
    "yes, tell me a story",
    "tell me something with a happy end",
    "a story about anything",
    "I can not sleep, tell me a story",
]
NOUN_PLACE = re.compile(r"\b(?:an?|the|his|her|their) (?:(?:little|big|old|new|red|small) )?(\w+)")
PLAIN = ["Once upon a time there was {a_hero}."]
HIS = {"he": ("him", "his", "himself"), "she": ("her", "her", "herself")}


def named(noun):
    """A noun as one asks for it."""
    if noun in words.KIN:
        return noun
    return "the " + noun if noun in words.SKY else words.article(noun)


def subjects(story):
    """The known nouns of a story, the most frequent first."""
    count = {}
    for word in NOUN_PLACE.findall(story.lower()):
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


# The roles that a noun of each class can play, the most natural first: common nouns, further
# ones, roles, how often, and whether a word that nobody has met may stand for one.
MORE = words.MORE
LIVING = words.ANIMALS * 2 + (words.FEMALE + words.MALE) * 3 + words.PEOPLE + words.BEINGS
LIVING_MORE = MORE["animal"] + MORE["person"] + MORE["being"] + (MORE["female"] + MORE["male"]) * 2
ROLES = [
    (LIVING, LIVING_MORE, ["hero", "hero", "other"], 8, True),
    (list(words.KIN), [], ["other", "hero"], 1, False),
    (words.SKY, [], ["other"], 0.5, False),
    (words.BREAKABLE, MORE["thing"], ["thing", "item"], 2.5, True),
    (words.VEHICLES, MORE["vehicle"], ["vehicle"], 1.5, False),
    (words.THINGS, MORE["thing"] + MORE["item"], ["item"], 3, True),
    (words.MADE, MORE["made"], ["food", "item"], 1, False),
    (words.FRUITS, MORE["fruit"], ["item"], 1, False),
    (words.COOKED, [], ["food", "item"], 0.5, False),
    (words.SOME, [], ["item"], 0.8, False),
    (words.PLACES, MORE["outside"] + MORE["place"], ["place"], 2.5, False),
    (words.ALIVE, [], ["hero", "other"], 0.4, False),
]
SHE = set(words.FEMALE + MORE["female"] + "hen cow chicken ballerina nurse giantess nymph".split())
HE = set(words.MALE + MORE["male"] + "bull rooster ram stallion ox tomcat".split())
# What most often plays a role that nobody asked for.
USUAL = {
    "hero": "mouse rabbit girl boy robot bear cat fox dragon princess wizard frog".split(),
    "other": "owl rabbit hedgehog bear duck turtle fox fairy mouse squirrel".split() + ["grandma"],
    "item": "kite lamp key book drum hat shell map flower coin".split(),
    "thing": "kite drum toy clock boat lamp violin mirror".split(),
    "food": "soup cake pie pizza".split(),
    "place": "forest park garden lake village meadow".split(),
    "vehicle": "boat car train wagon".split(),
}
OUTSIDE = words.OUTSIDE + MORE["outside"]


# The order in which a request usually names what plays them.
ORDER = ["hero", "other", "thing", "item", "food", "vehicle", "place"]
NEVER_ALONE = set(words.KIN) | set(words.SKY)
# Roles of plots that only some can play.
NARROW = {
    "stranger": ("other", NEVER_ALONE, None),
    "outside": ("place", set(), set(OUTSIDE)),
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
        told = [t for t in texts if len(t) < 1100 and t[0].isupper() and t[-1] in '.!?"']
        self.told = [(t, subjects(t)[:4]) for t in told]

    def turns(self):
        """[user, assistant]: a request and its story."""
        r = self.random
        if r.random() < 0.05:
            nouns, story = self.from_corpus()
            form = ASK_LONG if nouns else ASK_ANY
        else:
            nouns, story = self.made()
            form = ASK
        if r.random() < 0.12 and form == ASK:
            return [("user", self.typed(r.choice(ASK_ANY))), ("assistant", story)]
        request = self.typed(r.choice(form)).format(words.joined(nouns) if nouns else "")
        return [("user", request), ("assistant", story)]

    def typed(self, text):
        """A request with or without its capital."""
        return text[0].lower() + text[1:] if self.random.random() < 0.3 else text

    def from_corpus(self):
        r = self.random
        story, nouns = r.choice(self.told)
        chosen = nouns[: r.choice([1, 2, 2, 3])]
        r.shuffle(chosen)
        return [named(n) for n in chosen], story

    def noun(self, common, more, free):
        """One of a class: a common one, another, or a word that nobody has met."""
        roll = self.random.random()
        if roll < 0.5 or not more:
            return self.random.choice(common)
        return words.invented(self.random) if free and roll > 0.88 else self.random.choice(more)

    def made(self):
        """(what is asked for, a story): nouns get roles, a plot has these, chance adds others."""
        r = self.random
        while True:
            cast = {}
            for _ in range(r.choice([1, 2, 2, 2, 3, 3])):
                common, more, roles, _, free = r.choices(ROLES, [c[3] for c in ROLES])[0]
                role = r.choice(roles)
                cast.setdefault(role, self.noun(common, more, free))
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
        roles, sentences = self.plot(fitting, cast)
        full = self.fill([NARROW.get(role, (role,))[0] for role in roles], cast, roles)
        values = Names(full, r).values
        asked = self.all_asked(cast, full, values["N"])
        parts = [self.wording(sentence).format_map(values) for sentence in sentences]
        if all(full[role + "_noun"] in " ".join(parts) for role in cast):
            half = len(parts) // 2
            return asked, " ".join(parts[:half]) + ("\n" if r.random() < 0.3 else " ") + " ".join(
                parts[half:]
            )
        return self.made()

    def wording(self, sentence):
        """One of a sentence's wordings, mostly a beginning that leaves all plots open."""
        plain = [w for w in sentence if w in PLAIN]
        return self.random.choice(plain if plain and self.random.random() < 0.75 else sentence)

    def plot(self, fitting, cast):
        """One that fits, with few roles that nobody asked for: often the one that goes with the
        first noun's letter."""
        r = self.random
        if r.random() < 0.95:
            fewest = min(len(p[0]) for p in fitting)
            fitting = [p for p in fitting if len(p[0]) <= fewest + 1]
        if r.random() > 0.5:
            return r.choice(fitting)
        first = next(cast[role] for role in ORDER if role in cast)
        letter = ord(first[0]) - ord("a")
        return min(fitting, key=lambda p: (self.plots.index(p) * 11 + letter * 7) % 31)

    def all_asked(self, cast, full, name):
        """How the request names the whole cast."""
        r = self.random
        asked = [self.asked(role, full, name) for role in ORDER if role in cast]
        second = next((role for role in LINKS if role in cast), None)
        if len(cast) == 2 and "hero" in cast and second and r.random() < 0.2:
            return [asked[0] + " " + r.choice(LINKS[second]).format(asked[1])]
        if r.random() < 0.2 and not {"hero", "other"} <= set(cast):
            r.shuffle(asked)
        return asked

    def fill(self, roles, cast, exact):
        """{role: phrase, role_noun: noun} for the hero and the plot's roles."""
        r = self.random
        chance = {
            "hero": LIVING,
            "other": LIVING + list(words.KIN) * 3,
            "item": words.THINGS,
            "thing": words.BREAKABLE,
            "food": words.MADE + words.COOKED,
            "place": words.PLACES,
            "vehicle": words.VEHICLES,
            "weather": words.WEATHER,
            "skill": words.SKILLS,
        }
        if "outside" in exact:
            chance["place"] = words.OUTSIDE
        never = NEVER_ALONE if "stranger" in exact else ()
        full, taken = {}, set(cast.values())
        for role in ["hero"] + roles:
            usual = USUAL.get(role) if r.random() < 0.95 else None
            free = [n for n in usual or chance[role] if n not in taken and n not in never]
            noun = cast.get(role) or r.choice(free or chance[role])
            taken.add(noun)
            full[role + "_noun"] = noun
            looks = role in ("item", "thing", "vehicle") and noun not in words.SOME
            full[role] = r.choice(words.LOOKS) + " " + noun if looks and r.random() < 0.25 else noun
        full["asked_trait"] = r.choice(words.TRAITS) if r.random() < 0.12 else ""
        full["asked_name"] = r.random() < 0.08
        return full

    def asked(self, role, full, name):
        """How the request names what plays a role."""
        noun = full[role + "_noun"]
        if role == "hero" and noun not in words.KIN:
            if full["asked_name"]:
                return words.article(noun) + self.random.choice([" named ", " called "]) + name
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
        if noun in words.KIN and self.random.random() < 0.4:
            return "my " + noun
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
                self.values["any_" + role] = re.sub("^some ", "any ", self.values["an_" + role])
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
        if noun in SHE or noun.endswith("woman"):
            return "she"
        if noun in HE or noun.endswith(("man", "boy")):
            return "he"
        return self.random.choice(["he", "she"])

    def hero(self, full):
        r, noun = self.random, full["hero_noun"]
        he = self.gender(noun)
        name = words.given(noun, he, r)
        if full["asked_name"] and r.random() < 0.4:
            name = words.capital(words.invented(r))
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
