# SPDX-License-Identifier: GPL-3.0-or-later
"""The plug-in's catalogues, for translators: `python -m tests.translations` after a change of a sentence or a .po file.

It writes locale/saliency.pot from the sources, brings each locale/*/LC_MESSAGES/saliency.po up to date with it, and
compiles each to the saliency.mo that the plug-in reads.  A new language begins with an empty saliency.po in its folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_string
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PROJECT = Path(__file__).resolve().parents[1]
LOCALE = PROJECT / "plugin" / "saliency" / "gimp_saliency" / "locale"
TEMPLATE = LOCALE / "saliency.pot"
# The plug-in shows sentences of the server, too; a training speaks to its developer alone.
_SOURCES = ("plugin/saliency/gimp_saliency/**/*.py", "model_server/**/*.py")
_UNSEEN = PROJECT / "model_server" / "training"
_KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
_HEADERS = ("Language:", "Plural-Forms:", "MIME-Version:", "Content-Type:", "Content-Transfer-Encoding:")
_COMMENT = "# SPDX-License-Identifier: GPL-3.0-or-later\n# The sentences of gimp-saliency; see tests/translations.py."


class Sentences(Catalog):
    """A catalogue without anything that changes from one run to the next."""

    def __init__(self, language: str | None = None) -> None:
        super().__init__(language, header_comment=_COMMENT, charset="utf-8", fuzzy=False)

    def __iter__(self) -> Iterator[Message]:
        for message in super().__iter__():
            if not message.id:
                lines = str(message.string).split("\n")
                message.string = "\n".join(line for line in lines if line.startswith(_HEADERS))
            yield message


def catalogues() -> dict[str, Path]:
    """The .po file of each language."""
    return {path.parts[-3]: path for path in sorted(LOCALE.glob("*/LC_MESSAGES/saliency.po"))}


def extracted() -> Sentences:
    """What the sources say now."""
    found = Sentences()
    for path in (path for pattern in _SOURCES for path in sorted(PROJECT.glob(pattern))):
        if _UNSEEN in path.parents:
            continue
        place = path.relative_to(PROJECT).as_posix()
        for _line, sentence, comments, _context in extract_from_file("python", path, _KEYWORDS, ("Translators:",)):
            found.add(sentence, locations=[(place, 0)], auto_comments=comments)
    return found


def read(path: Path, language: str | None = None) -> Sentences:
    """A .po or .pot file."""
    found = Sentences(language)
    with path.open("rb") as file:
        for message in read_po(file, abort_invalid=True):
            if message.id:
                found[message.id] = message
            else:  # how many plurals there are, of which Babel has another opinion now and then
                found.mime_headers = message_from_string(str(message.string)).items()
    return found


def main() -> None:
    """Bring everything up to date, and say what is left to translate."""
    template = extracted()
    _write(TEMPLATE, template)
    for language, path in catalogues().items():
        sentences = read(path, language)
        sentences.update(template, update_header_comment=False)
        _write(path, sentences)
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, sentences)
        missing = sum(1 for each in sentences if each.id and (each.fuzzy or not each.string))
        print(f"{language}: {len(sentences)} sentences, {missing} to translate")


def _write(path: Path, sentences: Sentences) -> None:
    with path.open("wb") as file:
        write_po(file, sentences, width=0, ignore_obsolete=True)


if __name__ == "__main__":
    main()
