"""Small typos: which word of ours a word was meant to be."""

from __future__ import annotations

from rapidfuzz.distance import OSA

# Real words that lie one slip away from a word of ours and mean something else.
OTHER_WORDS = frozenset((
    "lunch", "statue", "statutes", "extent", "shorter", "attack", "contracts", "contract", "contents", "contexts",
    "contact", "comments", "comment", "command", "shit", "reverse", "reverts", "customs", "costume", "delays",
    "relay", "replan", "connects", "correct", "sheet", "shed", "scheduler", "plant", "plans", "plane", "lint",
    "links", "blink", "blocks", "books", "boot", "calls", "tall", "tags", "stag", "moves", "movie", "mover",
    "poses", "phases", "phrase", "please", "phones", "undone", "removed", "refer", "deter", "pusher", "bush",
    "rush", "posh", "clock", "black", "flock", "lock", "attached", "detached",
))  # fmt: skip
# Short everyday words inside the phrases; they are not verbs, and typos in them are not looked for.
PLAIN = frozenset((
    "what", "this", "that", "with", "from", "take", "make", "show", "list", "give", "does", "when", "which",
    "know", "have", "work", "tell", "here", "there", "back", "last", "your", "doing", "about",
    "scheduled", "syncing", "holding", "forward", "thing", "step", "find", "free", "start", "give", "where", "whom",
    "need", "current", "latest", "switch", "allocate", "pencil", "slot", "reduce", "aside", "into", "there", "just",
    "persons", "person", "details", "health", "show", "appear", "keeping", "stopping", "stops", "waiting", "waits",
    "building", "should", "stand", "rid", "release",
))  # fmt: skip


def closest(word: str, vocabulary: tuple[str, ...]) -> str | None:
    """The one word of ``vocabulary`` that ``word`` is a slip of; None if it is none, itself one, or a form of one."""
    if word in vocabulary or word in OTHER_WORDS or word in PLAIN:
        return None
    near = sorted((OSA.distance(word, right), right) for right in vocabulary if _is_slip(word, right))
    if not near or (len(near) > 1 and near[0][0] == near[1][0]):
        return None
    return near[0][1]


def _is_slip(word: str, right: str) -> bool:
    if word[0] != right[0] and sorted(word[:2]) != sorted(right[:2]):
        return False
    if (
        word != right + right[-1]
        and word.startswith(right[:-1])
        and word.endswith(("s", "d", "ing", "er", "ly", "ed"))
        and len(word) > len(right) - 1
    ):
        return False
    distance = OSA.distance(word, right, score_cutoff=2)
    if len(right) >= 8:
        return distance <= 2
    if len(right) >= 6:
        return distance <= 1
    return distance == 1 and (sorted(word) == sorted(right) or _one_letter_off(word, right))


def _one_letter_off(word: str, right: str) -> bool:
    """A letter forgotten ("blok"; three must remain) or struck twice ("blockk"): changed letters make other words."""
    if len(word) == len(right) - 1:
        return len(word) >= 3
    return any(word == right[:place] + right[place - 1 :] for place in range(1, len(right) + 1))
