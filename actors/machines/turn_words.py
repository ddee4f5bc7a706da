"""The words by which ``finished`` judges, by language; it follows none of their grammar beyond these lists.

A word stands in a list only if it is one nearly always: "though" and "in" end too many sentences to be a sign that
one goes on.
"""

from __future__ import annotations

from functools import cached_property

from attrs import frozen


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.casefold().split())


def _phrases(listed: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in listed.casefold().split(","))


@frozen(kw_only=True)
class Language:
    """The words of one language, in sets named for their use.

    ``joining``: nothing ends with these; ``reaching``: prepositions, which only a question may end with; ``subjects``:
    they want a verb; ``linking``: verbs that want more, unless their subject is a pronoun or the clause is part of
    another; ``fillers``: who says one is thinking; ``excused``: ends that the sets before would take for none;
    ``beginnings``: whole texts that have only begun.
    ``asking``: a question begins with these; ``asking_inverted``: only with an ``inverting`` word after it;
    ``inverting``: also begin a question themselves; ``inverting_pronouns``: only before one of ``pronouns``.
    ``complete``: answers that may stand alone; ``leading``: what may stand before a question or such an answer.
    """

    joining: frozenset[str]
    reaching: frozenset[str]
    subjects: frozenset[str] = frozenset()
    pronouns: frozenset[str]
    linking: frozenset[str] = frozenset()
    fillers: frozenset[str]
    excused: frozenset[str] = frozenset()
    beginnings: frozenset[str]
    asking: frozenset[str]
    asking_inverted: frozenset[str] = frozenset()
    inverting: frozenset[str] = frozenset()
    inverting_pronouns: frozenset[str] = frozenset()
    complete: frozenset[str]
    leading: frozenset[str]
    digits: frozenset[str]
    tens: frozenset[str]
    powers: frozenset[str]
    numbered: frozenset[str]
    """What a telephone number is called."""
    common: frozenset[str] = frozenset()
    """Others that are met often in this language and seldom in another."""

    @cached_property
    def known(self) -> frozenset[str]:
        """All of them, by which a text's language is guessed."""
        listed = (
            self.joining | self.reaching | self.subjects | self.pronouns | self.linking | self.asking
            | self.asking_inverted | self.inverting | self.inverting_pronouns | self.leading | self.digits
            | self.tens | self.powers | self.common
        )  # fmt: skip
        return listed | {word for phrase in self.fillers | self.beginnings | self.complete for word in phrase.split()}


ENGLISH = Language(
    joining=_words("""and or but so nor because cause if unless whether although whereas until than as the a an my
        your our their its every very i'm i'll i'd i've you're we're they're it's that's there's he's she's what's
        we'll they'll we've gonna wanna mr mrs ms dr prof e.g i.e"""),
    reaching=_words("to of with for from at about by into onto between without against toward towards during per via"),
    subjects=_words("i we they he she"),
    pronouns=_words("i you he she it we they this that there these those one"),
    linking=_words("is are was were am will would could should has had"),
    fillers=_phrases("""uh, uhh, um, umm, er, erm, em, hm, hmm, ah, eh, like, you know, i mean, let me see, let's
        see, let me think, how do you say, and then, so then"""),
    excused=_phrases("""think so, hope so, guess so, suppose so, believe so, said so, say so, told you so, even so,
        if so, plan a, option a, vitamin a, grade a, i like, you like, we like, they like, what i mean, do you know,
        did you know, as you know, let you know, if you know, so do i, so am i, neither do i"""),
    beginnings=_phrases("""i think, i want, i need, i would like, i'd like, tell me, show me, give me, let me, can
        you, could you, would you, will you, do you, can i, could i, may i, can you tell me, could you tell me, can
        you show me, could you please, can you please, do you think, do you want, would you like, i have, i was, i
        have a question, what about, how about, what if, what do, what does, well, then"""),
    asking=_words("what who whom whose which how why what's who's how's where's why's"),
    asking_inverted=_words("when where"),
    inverting=_words("""is are was were am can could would should does did has isn't aren't wasn't weren't can't
        couldn't wouldn't shouldn't doesn't didn't hasn't"""),
    inverting_pronouns=_words("do have had will may might don't haven't won't"),
    complete=_phrases("""yes, no, yeah, yep, yup, nope, nah, okay, ok, sure, thanks, thank you, thank you very much,
        stop, right, exactly, correct, fine, great, good, hello, hi, goodbye, bye, maybe, never, nothing, never
        mind, of course, i don't know, mhm, uh-huh, mm-hmm, go ahead, go on, continue, please, absolutely,
        definitely, perfect, cancel, i think so, not really, that's all, that's it, that's right, all right,
        alright, not at all, got it"""),
    leading=_words("well so and but okay ok um uh hey oh now then yeah yes no please right"),
    digits=_words("zero oh o one two three four five six seven eight nine double"),
    tens=_words("twenty thirty forty fifty sixty seventy eighty ninety"),
    powers=_words("hundred thousand million"),
    numbered=_words("number phone telephone mobile cell fax"),
)

GERMAN = Language(
    joining=_words("""und oder aber weil dass denn sondern wenn ob obwohl als der die den dem des ein eine einen
        einem einer mein meine meinen deine deinen unser unsere sehr z.b"""),
    reaching=_words("für von ohne seit wegen zwischen gegen zum zur im am vom beim ins in bei"),
    subjects=_words("ich wir"),
    pronouns=_words("ich du er sie es wir ihr man das dies"),
    fillers=_phrases("äh, ähm, öh, hm, hmm, tja, sozusagen, ich meine, wie heißt das, moment mal, und dann, mal sehen"),
    beginnings=_phrases("""ich möchte, ich will, ich glaube, ich denke, ich brauche, ich hätte gern, ich habe,
        kannst du, können sie, könntest du, könnten sie, sag mir, zeig mir, also, was ist mit"""),
    asking=_words("was wer wen wem wessen welche welcher welches welchen wie warum wieso weshalb wo wohin woher wann"),
    inverting_pronouns=_words("""ist sind war bist hast haben hat habt kannst kann können könntest könnten könnte
        darf dürfen soll sollen sollte willst will wollen möchtest möchten weißt wissen gibt geht wird werden wirst"""),
    complete=_phrases("""ja, nein, doch, jawohl, okay, ok, gut, genau, danke, danke schön, vielen dank, bitte,
        stopp, halt, klar, richtig, vielleicht, nie, nichts, hallo, tschüss, natürlich, ich weiß nicht, weiter, in
        ordnung, alles klar"""),
    leading=_words("also und aber okay ok ja nein na äh ähm dann bitte"),
    digits=_words("null eins zwei zwo drei vier fünf sechs sieben acht neun"),
    tens=_words("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"),
    powers=_words("hundert tausend million"),
    numbered=_words("nummer telefonnummer handynummer rufnummer"),
    common=_words("mach mit auf an aus zu auch noch mal nicht kein hier heute morgen bin mich mir dich dir uns nach"),
)

FRENCH = Language(
    joining=_words("""et ou mais car que parce puisque lorsque quoique le la les un une des du l d j qu c n mon ma
        mes ton ta tes son sa ses notre votre leurs très c'est j'ai"""),
    reaching=_words("de à au aux dans sur pour avec sans chez par en vers entre"),
    subjects=_words("je tu il on"),
    pronouns=_words("je tu il elle on nous vous ils elles ce ça"),
    fillers=_phrases(
        "euh, heu, hum, ben, bah, enfin, comment dire, tu vois, vous voyez, je veux dire, voyons, et puis, et donc"
    ),
    beginnings=_phrases("""je veux, je voudrais, je pense, je crois, j'aimerais, il y a, est-ce que, qu'est-ce que,
        peux-tu, pouvez-vous, dis-moi, alors, bon"""),
    asking=_words("""qui quel quelle quels quelles où comment pourquoi combien quand est-ce qu'est-ce peux-tu
        pouvez-vous as-tu avez-vous veux-tu voulez-vous es-tu êtes-vous sais-tu savez-vous puis-je"""),
    complete=_phrases("""oui, non, si, d'accord, okay, ok, merci, merci beaucoup, bien, bien sûr, exact, exactement,
        stop, arrête, voilà, peut-être, jamais, rien, bonjour, salut, au revoir, s'il vous plaît, s'il te plaît, je
        ne sais pas, continue, c'est ça"""),
    leading=_words("alors et mais bon ben euh oui non donc"),
    digits=_words("zéro deux trois quatre cinq six sept huit neuf"),
    tens=_words("vingt trente quarante cinquante soixante quatre-vingt"),
    powers=_words("cent mille"),
    numbered=_words("numéro téléphone portable"),
    common=_words("est sont suis pas ne plus moi toi lui aussi ici cette ces être avoir fait va vais"),
)

SPANISH = Language(
    joining=_words("""y e o u pero porque que sino aunque el la los las un una unos unas mi tu su mis tus sus
        nuestro nuestra del al muy"""),
    reaching=_words("de a en con por para sin sobre desde hasta entre hacia"),
    pronouns=_words("yo tú él ella usted nosotros ellos ellas ustedes eso esto"),
    fillers=_phrases("eh, em, este, esto, pues, o sea, es decir, a ver, cómo se dice, y entonces, y luego, digamos"),
    beginnings=_phrases(
        "quiero, quisiera, necesito, creo, me gustaría, puedes, puede, podrías, dime, bueno, tengo, hay"
    ),
    asking=_words("qué quién quiénes cuál cuáles cómo dónde cuándo cuánto cuánta cuántos cuántas adónde"),
    complete=_phrases("""sí, no, vale, bueno, claro, gracias, muchas gracias, para, basta, exacto, correcto, de
        acuerdo, quizás, tal vez, nunca, nada, hola, adiós, por favor, por supuesto, no sé, sigue, está bien"""),
    leading=_words("pues y pero bueno entonces vale eh oye sí no"),
    digits=_words("cero uno dos tres cuatro cinco seis siete ocho nueve"),
    tens=_words("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"),
    powers=_words("cien ciento mil"),
    numbered=_words("número teléfono móvil"),
    common=_words("es está son soy estoy ser se lo le más también aquí hoy mañana fue ha he voy va ir"),
)

LANGUAGES = (ENGLISH, GERMAN, FRENCH, SPANISH)


def language_of(words: list[str]) -> Language:
    """The one that knows the most of ``words``; of several, the first of ``LANGUAGES``."""
    return max(LANGUAGES, key=lambda language: sum(word in language.known for word in words))
