"""Text of generated prompts: common words in random order, cut out of one long text. Pure.

Nearly every tokenizer makes one token of each word, so the number of words gives a prompt's length. The text consists
of shuffled cycles of all words, so pieces of equal length contain every word about equally often and have about equally
many tokens. Each prompt begins with words that no other prompt of the run begins with, so no prefix cache can hit. The
rest is cut out of the text, which takes microseconds at any length.
"""

import random
from array import array
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate

_COMMON = """
the of and to in is that it for was on are as with they be at one have this from or had by but some what there we
out other were all your when up use word how said an each which she do their time if will way about many then them
would write like so these her long make thing see him two has look more day could go come did my sound no most
number who over know water than call first people may down side been now find any new work part take get place made
live where after back little only round man year came show every good me give our under name very through just form
much great think say help low line before turn cause same mean differ move right boy old too does tell sentence set
three want air well also play small end put home read hand port large spell add even land here must big high such
follow act why ask men change went light kind off need house picture try us again animal point mother world near
build self earth father head stand own page should country found answer school grow study still learn plant cover
food sun four thought let keep eye never last door between city tree cross since hard start might story saw far sea
draw left late run while press close night real life few stop open seem together next white children begin got walk
example ease paper often always music those both mark book letter until mile river car feet care second group carry
took rain eat room friend began idea fish mountain north once base hear horse cut sure watch color face wood main
enough plain girl usual young ready above ever red list though feel talk bird soon body dog family direct leave song
measure state product black short class wind question happen complete ship area half rock order fire south problem
piece told knew pass farm top whole king size heard best hour better true during hundred remember step early hold
west ground interest reach fast five sing listen six table travel less morning ten simple several toward war lay
against pattern slow center love person money serve appear road map science rule pull cold notice voice fall power
town fine certain fly unit lead cry dark machine note wait plan figure star box field rest correct able pound done
beauty drive stood contain front teach week final gave green quick develop sleep warm free minute strong special
mind behind clear tail produce fact street inch lot nothing course stay wheel full force blue object decide surface
deep moon island foot yet busy test record boat common gold possible plane age dry wonder laugh thousand ago ran
check game shape yes hot miss brought heat snow bed bring sit perhaps fill east weight language among church office
doctor market window winter summer spring college history nature forest company member action private reason report
return result effort general health image income level local
"""
WORDS = tuple(_COMMON.split())
OPENING = 8
"""Words that make a prompt unique in its run; each encodes nine bits of a 64-bit number."""
_BITS = 9
_CYCLES = 64
_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15

Weigh = Callable[[str], int]
"""Counts the tokens of a text."""


class MadeText:
    """The text of one seed. Lengths are in units: tokens if there is a tokenizer (`weigh`), else words.

    Attributes:
        words: number of words of the whole text.
    """

    def __init__(self, seed: int, weigh: Weigh | None = None) -> None:
        words = [word for cycle in range(_CYCLES) for word in _shuffled(f"{seed} {cycle}")]
        self.words = len(words)
        self._text = " ".join(words) + " "
        self._begins = array("I", accumulate((len(word) + 1 for word in words), initial=0))
        self._leading = {word: weigh(word) if weigh else 1 for word in WORDS}
        self._inner = {word: weigh(f"the {word}") - weigh("the") if weigh else 1 for word in WORDS}
        self._units = array("I", accumulate((self._inner[word] for word in words), initial=0))
        self._fillers = [word for word in WORDS if self._inner[word] == 1]

    def units(self, text: str, *, leading: bool = True) -> int:
        """Return the length of a text that consists of `WORDS`; `leading`: no other word comes before it."""
        first, *others = text.split()
        return (self._leading if leading else self._inner)[first] + sum(self._inner[word] for word in others)

    def cut(self, start: int, units: int) -> str:
        """Return `units` units of text, from the word number `start` on, to append to other words.

        If a last word of several units does not fit, words of one unit each replace it.
        """
        whole, left = divmod(units, self._units[-1])
        pieces = [self._piece(0, self.words)] * whole
        if left > (behind := self._units[-1] - self._units[start]):
            pieces.append(self._piece(start, self.words))
            start, left = 0, left - behind
        wanted = self._units[start] + left
        end = bisect_left(self._units, wanted, lo=start)
        if self._units[end] > wanted:
            end -= 1
        pieces.append(self._piece(start, end))
        pieces += self._fillers[: wanted - self._units[end]]
        return " ".join(filter(None, pieces))

    def sample(self, cycle: int, words: int, number: int = 0) -> str:
        """Return the `number`th group (from 0) of `words` words of a cycle; no word occurs twice in a cycle."""
        begin = cycle * len(WORDS) + number * words
        return self._piece(begin, begin + words)

    def _piece(self, begin: int, end: int) -> str:
        return self._text[self._begins[begin] : self._begins[end] - 1] if end > begin else ""


def opening(number: int) -> str:
    """Return words that are unique to this 64-bit number; the first words of nearby numbers differ, too."""
    mixed = _mixed((number + _GOLDEN) & _MASK)
    return " ".join(WORDS[(mixed >> (_BITS * place)) % len(WORDS)] for place in range(OPENING))


def _shuffled(seed: str) -> list[str]:
    words = list(WORDS)
    random.Random(seed).shuffle(words)  # noqa: S311 - a text, not a secret
    return words


def _mixed(number: int) -> int:
    """Map 64-bit numbers one to one: the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)
