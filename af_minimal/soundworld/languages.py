"""The held-out sounds under their names in languages that the model never read.

Training copies letters of many scripts, drawn at random, and no word of these. Whether
a sound may be called anything is asked here, with names as files have them beside.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from dataclasses import replace

from .catalogue import HELD_OUT
from .few_shot import Heard, answer_rows

# in the order of the classes below
SOUNDS = ["wolf howl", "cat purr", "woodpecker", "geyser", "bouncing ball"]
SOUNDS += ["camera shutter", "smoke alarm", "geiger counter", "slide whistle", "gong"]
NAMES = {
    "in German": "wolfsgeheul, katzenschnurren, specht, geysir, hüpfender ball, "
    "kameraverschluss, rauchmelder, geigerzähler, kolbenflöte, gong",
    "in Finnish": "suden ulvonta, kissan kehräys, tikka, geysir, pomppiva pallo, "
    "kameran suljin, palovaroitin, geigermittari, vetopilli, gongi",
    "in French": "hurlement de loup, ronron de chat, pic-vert, geyser, "
    "balle qui rebondit, déclencheur d'appareil photo, détecteur de fumée, "
    "compteur geiger, flûte à coulisse, gong",
    "in Hungarian": "farkasüvöltés, macskadorombolás, harkály, gejzír, pattogó labda, "
    "fényképezőgép zárja, füstjelző, geiger-számláló, tolósíp, gong",
    "in Russian": "вой волка, мурлыканье кошки, дятел, гейзер, прыгающий мяч, "
    "затвор камеры, дымовая сигнализация, счётчик гейгера, поршневая флейта, гонг",
    "in Greek": "ουρλιαχτό λύκου, γουργούρισμα γάτας, δρυοκολάπτης, θερμοπίδακας, "
    "μπάλα που αναπηδά, κλείστρο κάμερας, ανιχνευτής καπνού, μετρητής γκάιγκερ, "
    "σφυρίχτρα, γκονγκ",
    "in Japanese": "狼の遠吠え, 猫のゴロゴロ, キツツキ, 間欠泉, 弾むボール, "
    "シャッター音, 火災報知器, ガイガーカウンター, スライドホイッスル, 銅鑼",
    "in Korean": "늑대 울음, 고양이 가르랑, 딱따구리, 간헐천, 튀는 공, 카메라 셔터, "
    "화재 경보기, 가이거 계수기, 슬라이드 휘슬, 징",
    "like files": ", ".join(f"{s.replace(' ', '_')}_01" for s in SOUNDS),
}
SHOTS = 4
QUERIES = 10  # of each class


def language_rows(model, asked: Heard, store: Heard, seed: int) -> list[dict]:
    """Similar sounds under the names of each language; one row an answer.

    Args:
        asked, store: the held-out classes under any names, one for each class, in the
            order of `HELD_OUT`.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    given = list(dict.fromkeys(store.outputs))
    first = [[i for i, o in enumerate(asked.outputs) if o == g] for g in given]
    asked = asked.some([i for places in first for i in places[:QUERIES]])
    rows = []
    for language, told in NAMES.items():
        said = dict(zip(SOUNDS, told.split(", "), strict=True))
        named = dict(zip(given, (said[label] for label in HELD_OUT), strict=True))
        here, there = (
            replace(one, outputs=[named[name] for name in one.outputs])
            for one in (asked, store)
        )
        near = there.nearest(here, SHOTS)
        name = f"named {language}, {SHOTS} similar"
        rows += answer_rows(model, name, here, there, near, seed)
    return rows
