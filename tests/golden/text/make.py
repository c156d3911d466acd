"""Writes this directory's goldens; see README.md."""

import argparse
import base64
import json
import pathlib
import random
import unicodedata

import jiwer
import whisper
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer
from whisper.tokenizer import LANGUAGES, get_tokenizer

HERE = pathlib.Path(__file__).parent
SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", *[f"<|{code}|>" for code in list(LANGUAGES)[:99]],
           "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
TRAINING = """It's a fine day, and we're going to the market at 10:30. They'll bring 25 apples; I'd like 3.
The train to Berlin leaves at seven in the morning. Isn't that early? We've seen it before, haven't we?
Der Zug nach München fährt um sieben Uhr ab. Où est la gare? El niño está aquí. Wir möchten bezahlen.
(music) [laughs] -- "Well," he said - 'no'. 1, 2, 3, 4: twenty-five, thirty-six, 1999, 2024."""


def byte_alphabet():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


def random_text(rng):
    """Words, numbers, spaces of all kinds, scripts, symbols and controls in any order."""
    pools = [
        "the train leaves at seven It's we're they'll I'd haven't 'tis O'Neil 'S 'RE rock'n'roll don't".split(),
        ["10:30", "1,000.50", "3rd", "²³½Ⅷ", "٣٤٥", "１２", "x2y3", "2024"],
        [" ", "  ", "   ", "\n", "\n\n", "\t", " \n ", "\u00a0", "\u2003\u2003", "\u3000", "\r\n", "\u0085", "\u200b"],
        ["München", "naïve", "e\u0301te\u0301", "Ελλάδα", "Привет", "שלום", "مرحبا", "नमस्ते", "ไทย", "日本語", "한국어", "ǅ", "ªº"],
        ["!", "...", "--", "(", ")]", "♪♪", "#$%", "€5", "'", "''", "`", "~", "_", "__a", "<|", "|>", "「」", "©"],
        ["😀", "👨‍👩‍👧", "🇩🇪", "\U0001d54f", "\u0000", "\u0007", "\u001f", "\ufeff", "\ufffd", "\U0010ffff"],
    ]
    parts = []
    for _ in range(rng.randint(0, 9)):
        parts.append(rng.choice(rng.choice(pools)))
        if rng.random() < 0.5:
            parts.append(" ")
    if rng.random() < 0.3:
        letters = [chr(rng.randrange(0x250)) for _ in range(rng.randint(1, 6))]
        parts += [c for c in letters if unicodedata.category(c) not in ("Cn", "Cs")]
    return "".join(parts)


def write_cases(tokenizer, path, n, seed):
    """`tokenizer` has added tokens, so that a copy without them gives the plain ids."""
    data = json.loads(tokenizer.to_str())
    contents = [token["content"] for token in data["added_tokens"]]
    data["added_tokens"] = []
    plain = Tokenizer.from_str(json.dumps(data))
    rng = random.Random(seed)
    cases = []
    for i in range(n):
        text = random_text(rng)
        if i % 3 == 0:
            where = rng.randint(0, len(text))
            text = text[:where] + rng.choice(contents) + text[where:]
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append({"text": text, "ids": plain.encode(text, add_special_tokens=False).ids, "special_ids": ids,
                      "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
    path.write_text(json.dumps(cases) + "\n")


def make_small_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=455, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(TRAINING.splitlines(), trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", normalized=False) for i in range(3)])
    tokenizer.add_tokens([AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
                          AddedToken("word", single_word=True, normalized=False), AddedToken("<left><", normalized=False)])
    out = HERE / "tokenizer"
    out.mkdir(exist_ok=True)
    (out / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
    write_cases(tokenizer, out / "cases.json", 500, 1)


def merges_of(ranks):
    """The merge that makes each token: what BPE leaves of it when only earlier tokens exist."""
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        parts = [bytes([b]) for b in token]
        while len(parts) > 2:
            pairs = [ranks.get(parts[i] + parts[i + 1], rank) for i in range(len(parts) - 1)]
            i = pairs.index(min(pairs))
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        if len(parts) == 2:
            merges.append(parts)
    return merges


def make_whisper_tokenizer(name, out):
    assets = pathlib.Path(whisper.__file__).parent / "assets"
    lines = [line.split() for line in (assets / f"{name}.tiktoken").read_text().splitlines() if line]
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    alphabet = byte_alphabet()

    def spelling(token):
        return "".join(alphabet[b] for b in token)

    merges = [(spelling(left), spelling(right)) for left, right in merges_of(ranks)]
    tokenizer = Tokenizer(models.BPE(vocab={spelling(token): rank for token, rank in ranks.items()}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", normalized=False) for i in range(1501)])
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"))
    write_cases(tokenizer, out / "cases.json", 3000, 2)
    oracle = get_tokenizer(multilingual=name == "multilingual")
    (out / "non_speech.json").write_text(json.dumps({
        "non_speech_tokens": list(oracle.non_speech_tokens), "eot": oracle.eot, "sot": oracle.sot,
        "timestamp_begin": oracle.timestamp_begin, "no_speech": oracle.no_speech}) + "\n")


ENGLISH = """It's $20 million and ¢7, he said.|$2 and 7 cents|twenty five dollars and ten cents|the 1960s were 3rd and 22nd
one oh one|double oh seven|triple five double two|point five|three point one four|three and a half million|two and a half
one hundred and one|a hundred thousand|nineteen ninety nine|twenty twenty four|two thousand and five|minus forty degrees
plus five percent|negative three point two per cent|fifty percent off|ten pounds and five pence|100 euros|€5.50 or £7
he won't, can't, shan't|let's go y'all|I'ma go, imma go|Mr. Smith and Mrs. Jones met Dr. Who at St. Ives|he'd been gone
she's got it|it's been done|they'd gone|we'll see|you've won|I'm here|isn't it|hmm, uh, um, mm, mhm well|[laughs] hello (music) <b>bold</b>
Hello , ' world|1,000,000.50 dollars|3.5%|0.07|$0.07|¢70|colour of the grey theatre|naïve café Œuvre ßtraße Łódź|one|ones|1s|first second third
twenty first|thirty-second|ninety ninths|sixes and sevens|hundredth|two hundredths|five millions|zero|oh|o|zeroth|twelve o'clock|and a half
half past ten and a half|million and a half|one two three four five|twenty one two|thirteen fourteen|one thousand two hundred thirty four
two thousand thousand|five hundred thousand million|1 million|1.5 billion|2.5 thousand hundreds|7 point 5|192.168.0.1|one point|point|double|triple trouble
double twenty|and|five and six|hundred and|percent|per cent|per|dollars|five dollar|seven cents|minus|minus minus five|plus two|+5 -3|€ 5|£|%
5 % of|a1b2|10th 5 th 3 rd 2 s|4x4|mp3 files|9 11|trillions|one trillion and two|zero zero seven|oh five|ten oh five|one hundred oh five|fifty oh|0 5|o five
twenty ten|twenty eleven hundred|hundred hundred|one hundred twenty first|2nd of may|two thirds|fifties|the fifties and 60s|dozen|a dozen""".replace("\n", "|").split("|")
BASIC = ["Hello, World! [noise] (laughs) ok", "Ünïcödé ﬁligree ½ ² ℌ", "¿Qué tal? ¡Bien!", "今日は、元気ですか。", "नमस्ते दुनिया", "ไทย สวัสดี", "İstanbul ISSIZ ı",
         "ΑΣ ΣΑΣ ΌΔΟΣ", "e\u0301 o\u0308", "a\u200db 👨‍👩‍👧 🇩🇪", "tab\tnew\nline\u00a0nbsp\u3000ideographic", "(unclosed (nested) x) y)", "[a<b]c> d", "()", "( )",
         "한국어 텍스트", "שָׁלוֹם", "مَرْحَبًا", "Ǆ ǅ ǆ", "ẞ ß", "œuvre Ærø đón ðþ Ł", "  lead and trail  ", "x\u0301\u0302\u0303y", "1 + 1 = 2 €", "", " ", "\u1e9b\u0323", "\u001c\u001d\u001e\u001f\u0085 end", "ſtraße K Å"]


def random_number_phrase(rng):
    words = ("one two three four five six seven eight nine ten eleven twelve thirteen nineteen twenty thirty forty ninety "
             "hundred thousand million billion oh zero o point double triple and minus plus negative percent dollars dollar cents "
             "cent pounds euros first second third fifth twelfth ninth twentieth hundredth thousands ones twenties sixes half a the "
             "apples 5 12 100 3.5 0.25 $5 €7.20 £3 50% 1,000 2nd 1960s per").split()
    words += ["and a half", "per cent", "point five"]
    return " ".join(rng.choice(words) for _ in range(rng.randint(1, 8)))


def make_normalizers():
    rng = random.Random(3)
    english, basic = EnglishTextNormalizer(), BasicTextNormalizer()
    plain, split = BasicTextNormalizer(remove_diacritics=True), BasicTextNormalizer(split_letters=True)
    english.standardize_spellings.mapping = {"colour": "color", "grey": "gray", "theatre": "theater"}
    texts = ENGLISH + BASIC + [random_number_phrase(rng) for _ in range(600)] + [random_text(rng) for _ in range(200)]
    cases = [{"text": t, "english": english(t), "basic": basic(t), "plain": plain(t), "split": split(t)} for t in texts]
    (HERE / "normalize.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


def make_errors():
    rng = random.Random(4)
    words = "a b c d é the train leaves at seven 日本 now".split()
    cases = []
    for _ in range(300):
        reference = [rng.choice(words) for _ in range(rng.randint(1, 12))]
        hypothesis = [w for w in reference if rng.random() > 0.2]
        for _ in range(rng.randint(0, 4)):
            hypothesis.insert(rng.randint(0, len(hypothesis)), rng.choice(words))
        case = {"reference": " ".join(reference), "hypothesis": " ".join(hypothesis)}
        for unit, count in (("words", jiwer.process_words), ("characters", jiwer.process_characters)):
            out = count(case["reference"], case["hypothesis"])
            case[unit] = [out.hits, out.substitutions, out.deletions, out.insertions]
        cases.append(case)
    (HERE / "errors.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whisper", type=pathlib.Path, help="directory for the real vocabularies")
    arguments = parser.parse_args()
    make_small_tokenizer()
    make_normalizers()
    make_errors()
    if arguments.whisper:
        for vocabulary in ("multilingual", "gpt2"):
            make_whisper_tokenizer(vocabulary, arguments.whisper / vocabulary)
