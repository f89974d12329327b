"""A conversation answers as if it were read anew each turn, and reads only what is."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_flamingo import tiny

from af_minimal.audio import Clip
from af_minimal.chat import Chat, ChatWarning
from af_minimal.encoders import build_encoder
from af_minimal.generation import complete, encode
from af_minimal.language_model import decoder_layers
from af_minimal.model import AudioFlamingo
from af_minimal.prompts import EOC, dialogue_inference_text
from af_minimal.tokenizer import special_ids, train_tokenizer

LOUD = {"tie_word_embeddings": False, "initializer_range": 0.3, "init_std": 0.3}
QUESTIONS = ("what do you hear?", "and then?", "is it loud?", "how often?")
NEW = 12


def whole(kind: str) -> AudioFlamingo:
    """A tiny model with an encoder and a tokenizer, and open gates."""
    model = tiny(kind)
    tokenizer = train_tokenizer([f"user: {q}\nassistant:" for q in QUESTIONS], 300)
    ids = special_ids(tokenizer)
    config = replace(
        model.config,
        lm=model.config.lm | {"vocab_size": len(tokenizer), **LOUD},
        audio_token_id=ids["audio"],
        sep_token_id=ids["sep"],
        eoc_token_id=ids["eoc"],
    )
    torch.manual_seed(0)
    model = AudioFlamingo(config, build_encoder(config.encoder, config.audio)).eval()
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(0.9)
    model.tokenizer = tokenizer
    return model


@pytest.fixture(scope="module", params=["opt", "qwen2"])
def model(request) -> AudioFlamingo:
    return whole(request.param)


@pytest.fixture(scope="module")
def opt() -> AudioFlamingo:
    return whole("opt")


def clip_of(seed: int) -> Clip:
    noise = np.random.default_rng(seed).normal(0, 0.1, 16_000)
    return Clip(noise.astype(np.float32), 16_000)


def anew(model, clip, rounds, message, **kwargs) -> str:
    """The answer when the whole conversation is read, without a cache from before."""
    settings = {"max_new_tokens": NEW} | kwargs
    text = dialogue_inference_text(rounds, message)
    return complete(model, [text], *encode(model, [[clip]]), **settings)[0]


def said(chat: Chat) -> list[tuple[str, str]]:
    return [(turn.user, turn.assistant) for turn in chat.turns]


def test_cached_answers_equal_uncached_ones(model):
    clip, answers = clip_of(0), set()
    chat = Chat(model, clip, max_new_tokens=NEW)
    for question in QUESTIONS:
        before = said(chat)
        answer = chat.say(question)
        assert answer == anew(model, clip, before, question)
        assert said(chat) == [*before, (question, answer)]
        answers.add(answer)
    assert len(answers) > 1
    other = Chat(model, clip_of(1), max_new_tokens=NEW)
    assert [other.say(question) for question in QUESTIONS] != [a for _, a in said(chat)]


def test_a_turn_reads_what_is_new(opt):
    chat, read, heard = Chat(opt, clip_of(0), max_new_tokens=NEW), [], []
    embedding = opt.get_input_embeddings()
    hooks = [
        embedding.register_forward_hook(lambda _, ids, out: read.append(out.shape[1])),
        opt.encoder.register_forward_hook(lambda *_: heard.append(1)),
        opt.audio_transformer.register_forward_hook(lambda *_: heard.append(1)),
    ]
    for question in QUESTIONS:
        before = said(chat)
        read.clear()
        chat.say(question)
        turn = chat.turns[-1]
        text = dialogue_inference_text(before, question)
        whole_text = opt.tokenizer(text, add_special_tokens=False).input_ids
        assert turn.read + turn.reused == len(whole_text)
        assert read[0] == turn.read and set(read[1:]) <= {1}  # then token by token
        assert turn.seconds > 0
    for hook in hooks:
        hook.remove()
    assert not heard  # the sound was heard before the first question
    assert chat.turns[0].reused == 0 < chat.turns[1].reused
    prompt = len(opt.tokenizer(dialogue_inference_text([], QUESTIONS[0])).input_ids)
    assert chat.turns[1].reused >= prompt


def test_an_answer_that_is_spelt_otherwise_is_read_again(opt, monkeypatch):
    """The tokens of an answer need not be those that its text is cut into."""
    clip = clip_of(0)
    chat, tokenizer = Chat(opt, clip, max_new_tokens=NEW), opt.tokenizer
    letters = [tokenizer.convert_tokens_to_ids(letter) for letter in "user"]
    kept = type(opt.lm).generate
    eoc = opt.config.eoc_token_id

    def spelt(lm, ids, past_key_values, **settings):
        row = torch.cat([ids, torch.tensor([[*letters, eoc]])], dim=1)
        allowed = {"prefix_allowed_tokens_fn": lambda _, x: [int(row[0, len(x)])]}
        return kept(lm, ids, past_key_values=past_key_values, **settings, **allowed)

    monkeypatch.setattr(type(opt.lm), "generate", spelt)
    assert chat.say(QUESTIONS[0]) == "user"
    monkeypatch.undo()
    assert len(tokenizer("user").input_ids) < len(letters)
    answer = chat.say(QUESTIONS[1])
    assert answer == anew(opt, clip, [(QUESTIONS[0], "user")], QUESTIONS[1])


def test_reset_forgets_what_was_said_but_not_the_clip(opt):
    chat = Chat(opt, clip_of(0), max_new_tokens=NEW)
    first = [chat.say(question) for question in QUESTIONS[:2]]
    chat.reset()
    assert chat.turns == [] and chat.dropped == 0
    assert [chat.say(question) for question in QUESTIONS[:2]] == first


@pytest.mark.parametrize("message", ["", "  \n"])
def test_an_empty_message_changes_nothing(opt, message):
    chat, plain = (Chat(opt, clip_of(0), max_new_tokens=NEW) for _ in range(2))
    assert chat.say(QUESTIONS[0]) == plain.say(QUESTIONS[0])
    with pytest.warns(ChatWarning, match="message is empty"):
        assert chat.say(message) == ""
    assert len(chat.turns) == 1
    assert chat.say(QUESTIONS[1]) == plain.say(QUESTIONS[1])


def test_a_special_token_is_refused_and_nothing_changes(opt):
    chat, plain = (Chat(opt, clip_of(0), max_new_tokens=NEW) for _ in range(2))
    assert chat.say(QUESTIONS[0]) == plain.say(QUESTIONS[0])
    for token in ("<audio>", EOC, "</s>"):
        with pytest.raises(ValueError, match="contains"):
            chat.say(f"what {token} is it?")
    assert said(chat) == said(plain)
    assert chat.say(QUESTIONS[1]) == plain.say(QUESTIONS[1])
    assert chat.turns[1].reused == plain.turns[1].reused


def test_a_token_that_an_answer_spells_does_not_end_the_conversation(opt, monkeypatch):
    chat = Chat(opt, clip_of(0), NEW)
    said = "it is <|im_start|> loud <SEP>"
    monkeypatch.setattr(type(opt.tokenizer), "decode", lambda *_, **__: said)
    assert chat.say("hm?") == "it is  loud"
    assert chat.say("and then?")


def test_messages_are_read_stripped_and_in_small_letters(opt):
    chat, plain = (Chat(opt, clip_of(0), max_new_tokens=NEW) for _ in range(2))
    assert chat.say("  What do you HEAR?\n") == plain.say("what do you hear?")
    assert said(chat)[0][0] == "What do you HEAR?"  # kept as it was typed


def test_a_very_long_message_is_cut_and_that_is_said(model):
    chat = Chat(model, clip_of(0), max_new_tokens=NEW)
    with pytest.warns(ChatWarning, match="its first .* letters") as caught:
        answer = chat.say("is it loud? " * 200)
    assert len(caught) == 1 and isinstance(answer, str)
    assert chat.turns[0].read <= model.lm.config.max_position_embeddings - NEW
    with pytest.warns(ChatWarning, match="turn 1 is forgotten"):
        answer = chat.say(QUESTIONS[0])
    assert answer == anew(model, clip_of(0), [], QUESTIONS[0])


def test_the_oldest_turns_are_forgotten_and_that_is_said(model):
    clip = clip_of(0)
    chat = Chat(model, clip, max_new_tokens=NEW)
    forgotten = []
    for i in range(14):
        question, before = f"{QUESTIONS[i % 4]} {i}", said(chat)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            answer = chat.say(question)
        forgotten += [str(w.message) for w in caught if w.category is ChatWarning]
        assert answer == anew(model, clip, before[chat.dropped :], question)
        used = chat.turns[-1].read + chat.turns[-1].reused
        assert used + NEW <= model.lm.config.max_position_embeddings
    assert len(chat.turns) == 14 and 0 < chat.dropped < 13
    assert forgotten == [
        f"The conversation is too long: turn {i + 1} is forgotten."
        for i in range(chat.dropped)
    ]


def test_sampling_repeats_with_its_seed(opt):
    def talk(seed: int) -> list[str]:
        chat = Chat(opt, clip_of(0), NEW, seed, do_sample=True)
        return [chat.say(question) for question in QUESTIONS[:3]]

    state = torch.get_rng_state()
    assert talk(1) == talk(1)
    assert len({tuple(talk(seed)) for seed in range(4)}) > 1
    assert torch.equal(torch.get_rng_state(), state)
    chat = Chat(opt, clip_of(0), NEW, 1, do_sample=True)
    assert chat.say("hm?") != chat.say("hm?")  # every turn has a draw of its own


def test_an_interrupted_answer_leaves_the_conversation_as_it_was(opt):
    chat, plain = (Chat(opt, clip_of(0), max_new_tokens=NEW) for _ in range(2))
    assert chat.say(QUESTIONS[0]) == plain.say(QUESTIONS[0])
    steps = []

    def stop_at_third(*_):  # when the layer below has cached its keys and values
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt

    hook = decoder_layers(opt.lm)[-1].register_forward_pre_hook(stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        chat.say("who interrupts?")
    hook.remove()
    assert said(chat) == said(plain)
    assert chat.say(QUESTIONS[1]) == plain.say(QUESTIONS[1])


def test_what_cannot_be_done_is_said_at_once(opt):
    with pytest.raises(ValueError, match="num_beams is 3"):
        Chat(opt, clip_of(0), num_beams=3)
    dict_asked, two = {"return_dict_in_generate": True}, {"num_return_sequences": 2}
    for odd in ({"use_cache": False}, dict_asked, two):
        with pytest.raises(ValueError, match=f"{next(iter(odd))} is"):
            Chat(opt, clip_of(0), **odd)
    assert Chat(opt, clip_of(0), NEW, num_beams=1, use_cache=None).say("hm?")
    with pytest.raises(ValueError, match="max_new_tokens is 250: it leaves room for 6"):
        Chat(opt, clip_of(0), max_new_tokens=250)
    with pytest.raises(ValueError, match="no encoder"):
        Chat(tiny(), clip_of(0))


def test_a_file_can_be_talked_about(opt, tmp_path):
    import soundfile

    clip = clip_of(0)
    soundfile.write(tmp_path / "a.wav", clip.waveform, 16_000, subtype="FLOAT")
    from_file = Chat(opt, tmp_path / "a.wav", NEW).say(QUESTIONS[0])
    assert from_file == Chat(opt, clip, NEW).say(QUESTIONS[0])
