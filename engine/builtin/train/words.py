"""The nouns that stories are asked for, by the roles that they can play, and how they are
named; words that nobody has met.

The common nouns stand here, many more in nouns.txt. Those of the two evaluation files that are
not common are HELD out: in no list and never made up.
"""
import os
import re

ANIMALS = """
dog cat bird fish bear bunny rabbit frog duck cow horse pig sheep mouse lion tiger elephant
monkey fox wolf owl bee ant butterfly spider turtle snake squirrel hedgehog deer goat chicken
hen rooster kitten puppy lamb pony whale dolphin shark crab penguin parrot crow eagle snail worm
ladybug panda koala giraffe zebra hippo kangaroo camel crocodile lizard beaver badger otter seal
octopus starfish jellyfish swan goose peacock pigeon raven robin sparrow hamster hare mole rat
bat donkey cricket beetle dragonfly firefly caterpillar raccoon skunk moose llama flamingo
turkey gorilla cheetah leopard dinosaur unicorn dragon
""".split()
FEMALE = "princess queen fairy witch girl nurse mermaid".split()
MALE = "king prince boy wizard knight sailor pirate policeman fireman".split()
PEOPLE = """
giant baby teacher doctor farmer baker painter pilot astronaut cook clown gardener fisherman
dancer singer shepherd hunter thief soldier captain explorer scientist child detective
""".split()
BEINGS = "robot doll monster ghost snowman elf troll dwarf alien scarecrow teddy".split()
ALIVE = "tree cloud raindrop snowflake".split()
KIN = {
    "mom": "she",
    "dad": "he",
    "grandma": "she",
    "grandpa": "he",
    "sister": "she",
    "brother": "he",
    "mother": "she",
    "father": "he",
    "uncle": "he",
    "aunt": "she",
}
SKY = ["sun", "moon", "wind", "sea"]
BREAKABLE = """
ball toy book box kite drum piano guitar violin trumpet flute puzzle swing slide lamp candle
mirror clock watch phone camera ring necklace crown bucket spoon bowl cup bottle jar umbrella
hat chair table window door bike boat car truck plane rocket ship balloon pencil pen brush
basket bag suitcase key lock hammer ladder wagon sled skateboard scooter computer radio
television telescope lantern pot teapot plate vase picture painting statue fan whistle bell
broom shovel tent bench bridge wheel top spaceship helicopter bus tractor compass
microscope magnet toothbrush
""".split()
THINGS = (
    BREAKABLE
    + """
coat dress shoe sock shirt scarf glove mitten blanket pillow bed map gift present coin stick
rock stone leaf feather shell nest bone rope flower star letter button needle crayon block card
sword shield wand ticket flag mask costume backpack envelope diamond jewel pearl crystal pebble
acorn seed treasure cloak rainbow snowball
""".split()
)
MADE = "cake cookie pizza sandwich pie pancake muffin donut sausage waffle cupcake burger".split()
FRUITS = """
apple banana orange pear egg carrot potato tomato pumpkin strawberry lemon peach melon mushroom
lollipop
""".split()
FOODS = MADE + FRUITS
SOME = """
bread milk soup honey cheese candy chocolate rice butter jam corn ice popcorn juice tea pasta
salad
""".split()
COOKED = "bread soup jam popcorn rice tea pasta salad".split()
OUTSIDE = """
garden park forest beach farm zoo village island jungle desert lake pond river mountain hill
meadow field playground valley swamp yard wood
""".split()
PLACES = (
    OUTSIDE
    + """
school kitchen market shop castle cave ocean city town street library museum circus hospital
bakery barn stable harbor station tower palace house cottage attic cellar theater airport
lighthouse
""".split()
)
ON = {"beach", "farm", "island", "mountain", "hill", "playground", "street", "field", "meadow"}
AT = {
    "zoo",
    "school",
    "market",
    "circus",
    "harbor",
    "station",
    "airport",
    "lake",
    "river",
    "pond",
    "bakery",
    "library",
}
VEHICLES = """
boat car bike bus train truck plane rocket ship balloon wagon sled scooter tractor raft canoe
spaceship
""".split()
WEATHER = ["rain", "snow", "a storm", "fog", "thunder and lightning", "a cold wind"]
# Two or three of each letter: a hero's name begins like its noun, so that names differ.
GIVEN = {
    "she": """
Anna Amy Alma Bella Bonnie Betty Clara Carla Cora Daisy Dora Delia Ella Emma Edith Flora Fay
Fiona Gina Greta Gemma Holly Hazel Hanna Ivy Ida Iris Jill June Jenny Kiki Kate Kim Lily Lola
Lucy Mia Molly Maya Nina Nora Nell Olga Olive Opal Poppy Pia Penny Queenie Ruby Rosa Rita Sue
Sara Sally Tess Tina Tilly Una Ursa Vera Viola Wendy Wanda Willa Xena Yuna Yara Zoe Zara
""".split(),
    "he": """
Adam Alex Arno Ben Bobo Bruno Carl Colin Casper Dan Dino Denny Eddie Ernie Emil Finn Felix Fred
Gus Gary Greg Hugo Henry Hank Igor Ian Ivan Jack Jim Joey Karl Ken Kurt Leo Louis Luke Max Milo
Marvin Ned Nico Norman Oscar Otto Oliver Paul Pip Pete Quinn Rex Rusty Robin Sam Simon Sid Tom
Tim Theo Uli Ugo Vic Victor Wally Will Walter Xaver Yuri Yann Zack Zeno
""".split(),
}
TRAITS = """
little kind brave clever shy small curious happy funny friendly lonely young gentle cheerful
quiet tiny old
""".split()
LOOKS = """
red blue green yellow little big old new shiny golden lost tiny beautiful round colorful magic
""".split()
SKILLS = "swim fly dance sing jump whistle climb skate draw read juggle cook dive paint".split()

HERE = os.path.dirname(os.path.abspath(__file__))
ONSETS = """
b bl br c ch cl cr d dr f fl fr g gl gr h j k kl kr l m n p pl pr qu r s sc sch sh sk sl sm sn sp
st str sw t th tr tw v w wr x y z
""".split()
VOWELS = "a a a e e e i i i o o o u u y ai ea ee ie oa oo ou".split()
ENDS = """
b ck ct d dge ft g l lb lf ll lt m mp n nch nd ng nk nt p r rb rd rg rk rm rn rt s sh sk sp ss st
t th tch w x zz
""".split()
TAILS = "er le y o a ine ette ling oon ard ock ish ie on us ade ant ist ow".split()


def read_more():
    """{class: nouns} of nouns.txt."""
    more = {}
    with open(os.path.join(HERE, "nouns.txt"), encoding="utf-8") as file:
        for line in file:
            if line[0] == "@":
                nouns = more.setdefault(line[1:].strip(), [])
            elif line[0] != "#":
                nouns += [noun.replace("_", " ") for noun in line.split()]
    return more


def read_checked():
    """The nouns of the evaluation's files."""
    checked = set()
    for name in ("check_stories.txt", "check_stories_held.txt"):
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            checked.update(n.strip() for line in file if line[0] != "#" for n in line.split(","))
    return checked


COMMON = set(
    ANIMALS
    + FEMALE
    + MALE
    + PEOPLE
    + BEINGS
    + ALIVE
    + list(KIN)
    + SKY
    + THINGS
    + FOODS
    + SOME
    + PLACES
    + VEHICLES
)
HELD = read_checked() - COMMON
MORE = read_more()
NOUNS = COMMON.union(*MORE.values())
SPELT = sorted(noun for noun in NOUNS if len(noun) > 4 and " " not in noun)
if HELD & NOUNS:
    raise SystemExit("held out, and yet in a list: %s" % ", ".join(sorted(HELD & NOUNS)))


def invented(random):
    """A word that nobody has met: syllables, or the halves of two nouns."""
    while True:
        if random.random() < 0.4:
            a, b = random.choice(SPELT), random.choice(SPELT)
            word = a[: random.randrange(2, len(a))] + b[random.randrange(1, len(b) - 2) :]
        else:
            parts = [
                random.choice(ONSETS) + random.choice(VOWELS) + random.choice(ENDS + [""] * 30)
                for _ in range(random.choice([1, 2, 2, 2, 3]))
            ]
            word = "".join(parts) + (random.choice(TAILS) if random.random() < 0.4 else "")
        if 2 < len(word) < 15 and word not in HELD and not re.search(r"(.)\1\1", word):
            return word


def given(noun, he, random):
    """A name for a hero: its noun's first letter, mostly."""
    fitting = [name for name in GIVEN[he] if name[0].lower() == noun[0]]
    return random.choice(fitting if fitting and random.random() < 0.95 else GIVEN[he])


def article(words):
    """ "a kite", "an old kite", "some honey"."""
    if words.split()[-1] in SOME:
        return "some " + words
    sounded = words[0] in "aeio" or words.startswith(("um", "ug", "ur", "us", "hourg"))
    return ("an " if sounded else "a ") + words


def where(place):
    preposition = "on" if place in ON else "at" if place in AT else "in"
    return "%s the %s" % (preposition, place)


def capital(text):
    return text[0].upper() + text[1:]


def joined(words):
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
