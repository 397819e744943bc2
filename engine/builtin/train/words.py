"""The nouns that stories are asked for, by the roles that they can play, and how they are
named.
"""

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
GIVEN = {
    "she": """
Lily Mia Anna Lucy Emma Rosa Nina Clara Sue Molly Daisy Ruby Ella Zoe Maya Ivy Bella Lola Pearl
Kiki Luna Tess Amy Sara Poppy Nora
""".split(),
    "he": """
Tom Max Ben Sam Tim Leo Jack Finn Oscar Otto Felix Bobo Pip Rex Theo Hugo Charlie Milo Gus Toby
Henry Benny Rusty Teddy Oliver Paul
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

NOUNS = set(
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


def article(words):
    """ "a kite", "an old kite", "some honey"."""
    if words.split()[-1] in SOME:
        return "some " + words
    sounded = words[0] in "aeio" or words.startswith(("umbrella", "ugly"))
    return ("an " if sounded else "a ") + words


def where(place):
    preposition = "on" if place in ON else "at" if place in AT else "in"
    return "%s the %s" % (preposition, place)


def capital(text):
    return text[0].upper() + text[1:]


def joined(words):
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
