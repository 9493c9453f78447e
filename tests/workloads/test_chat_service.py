"""Requests of conversations: lengths, system prompts, headers, and what is refused before any load."""

import json

import pytest

from chatting import Model, chat_service, one_conversation
from katydid.dialects.generic import Fields
from katydid.model.errors import ConfigError
from katydid.workloads.chat import ChatOptions
from katydid.workloads.chat.service import ConversationService
from katydid.workloads.chat.user import ChatUser


def refused(**options):
    with pytest.raises(ConfigError) as told:
        ConversationService(ChatOptions(**options), "http://h")
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("api", ["openai", "openai-responses", "anthropic", "ollama", "completions"])
def test_every_api_sends_the_history(api):
    client = Model()
    turns, _ = one_conversation(chat_service(client, api=api, turns="3"))
    assert [str(sample.outcome) for sample in turns] == ["ok"] * 3, turns[0].detail
    questions = [turn.prompt_tokens for turn in turns]
    assert questions == sorted(questions)
    assert turns[2].prompt_tokens > turns[1].prompt_tokens + turns[1].completion_tokens
    assert json.dumps(client.asked[2]).count("word word word") == 2


def test_lengths_are_those_of_a_turn_and_so_is_what_is_asked_for():
    client = Model()
    turns, _ = one_conversation(chat_service(client, turns="4", input_tokens="20", output_tokens="3"))
    assert [len(body["messages"][-1]["content"].split()) for body in client.asked] == [20] * 4
    assert {body["max_tokens"] for body in client.asked} == {3}
    assert [turn.target_input_tokens for turn in turns] == [20, 43, 66, 89] == [turn.prompt_tokens for turn in turns]
    assert {turn.target_output_tokens for turn in turns} == {3}


def test_a_template_around_later_turns_is_measured_and_left_room_for():
    class Framed(Model):
        """Its template has 7 tokens around each message, and 20 more in front where there is no system prompt."""

        def send(self, request, sink, exchange):
            super().send(request, self.Sink(sink, request), exchange)

        class Sink:
            def __init__(self, sink, request):
                messages = json.loads(request.body or b'{"messages": [{"role": "none"}]}')["messages"]
                more = 7 * len(messages) + 20 * (messages[0]["role"] != "system")
                told = b'"prompt_tokens":'

                def feed(data, at):
                    if told in data:
                        head, _, tail = data.partition(told)
                        digits = tail[: next(i for i, c in enumerate(tail) if not chr(c).isdigit())]
                        data = head + told + str(int(digits) + more).encode() + tail[len(digits) :]
                    sink.feed(data, at)

                self.feed, self.finish = feed, sink.finish

    options = {"turns": "4", "input_tokens": "50", "shared_prefix": "100", "output_tokens": "3"}
    turns, _ = one_conversation(chat_service(Framed(), **options))
    assert [turn.prompt_tokens for turn in turns] == pytest.approx([137, 190, 243, 296], abs=1)
    assert [turn.target_input_tokens for turn in turns] == pytest.approx([137, 190, 243, 296], abs=1)


def test_a_shared_prefix_is_the_system_prompt_of_its_groups_conversations():
    client = Model()
    service = chat_service(client, turns="2", input_tokens="10", shared_prefix="64")
    one_conversation(service, 0)
    one_conversation(service, 1)
    firsts = [body["messages"][0] for body in client.asked]
    assert {message["role"] for message in firsts} == {"system"}
    assert len({message["content"] for message in firsts}) == 1
    assert len(firsts[0]["content"].split()) == 64
    assert len({body["messages"][1]["content"] for body in client.asked}) == 2


def test_both_versions_of_a_comparison_hold_the_same_conversations():
    bodies = []
    for _ in range(2):
        client = Model()
        service = chat_service(client, turns="uniform(1,6)", input_tokens="uniform(5,40)", seed=3)
        for user in range(5):
            one_conversation(service, user)
        bodies.append(client.asked)
    assert bodies[0] == bodies[1]


def test_the_session_header_has_the_conversations_id_in_each_of_its_requests():
    client = Model()
    service = chat_service(client, turns="2", session_header="X-Session-Id")
    ids = {one_conversation(service, user)[1].extra["session_id"] for user in range(2)}
    assert {headers["X-Session-Id"] for headers in client.headers} == ids
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("name", "why"),
    [("a b", "is not the name of a header"), ("Content-Length", "Katydid sends its own"), ("accept", "already")],
)
def test_a_session_header_that_cannot_be_sent_is_refused(name, why):
    assert why in refused(session_header=name)


def test_the_system_message_of_a_prompts_file_is_said_once(tmp_path):
    file = tmp_path / "prompts.jsonl"
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    file.write_text(json.dumps({"messages": turns, "output_tokens": 2}) + "\n")
    client = Model()
    rows, _ = one_conversation(chat_service(client, turns="3", prompts=str(file)))
    roles = [message["role"] for message in client.asked[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert {body["max_tokens"] for body in client.asked} == {2}
    assert {row.prompt_id for row in rows} == {"1"}


def test_a_rates_pool_is_for_conversations():
    assert ChatUser.busy_seconds(ChatOptions(turns="8", think_time="5s")) == 8 * 25.0


def test_an_api_that_sends_only_the_last_message_is_refused():
    fields = Fields(sse_body='{"q": "{prompt}"}')
    assert "without the history" in refused(api="generic-sse", dialect_options=fields)
    ConversationService(
        ChatOptions(api="generic-sse", dialect_options=Fields(sse_body='{"m": "{messages}"}')), "http://h"
    )


@pytest.mark.parametrize("api", ["openai", "anthropic", "ollama", "completions"])
def test_history_on_the_server_is_for_apis_whose_servers_keep_answers(api):
    assert "--history client" in refused(api=api, history="server")


def test_an_answer_is_sent_again_as_the_responses_api_has_its_items():
    client = Model()
    one_conversation(chat_service(client, turns="2", api="openai-responses"))
    answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": " word word word"}]}
    assert client.asked[1]["input"][1] == answer


SERVER = {"api": "openai-responses", "history": "server"}


def test_a_server_that_keeps_the_history_is_sent_the_new_turn_and_the_last_answers_id():
    client = Model()
    turns, whole = one_conversation(chat_service(client, turns="3", **SERVER))
    assert str(whole.outcome) == "ok", whole.detail
    assert [len(body["input"]) for body in client.asked] == [1, 1, 1]
    assert all(body["store"] is True for body in client.asked)
    ids = [body.get("previous_response_id") for body in client.asked]
    assert ids[0] is None
    assert ids[1] != ids[2] is not None
    assert turns[2].prompt_tokens > turns[2].extra["history_tokens"] == turns[1].prompt_tokens + 3


def test_the_history_is_as_long_whoever_keeps_it():
    lengths = {"turns": "4", "input_tokens": "20", "output_tokens": "3", "api": "openai-responses"}
    by_client, by_server = (
        [turn.prompt_tokens for turn in one_conversation(chat_service(**lengths, history=keeper))[0]]
        for keeper in ("client", "server")
    )
    assert by_client == by_server == [20, 43, 66, 89]


def test_a_conversation_that_another_holds_goes_on_from_its_own_answers():
    client = Model()
    service = chat_service(client, turns="2", **SERVER)
    one_conversation(service, 0)
    one_conversation(service, 1)
    assert [body.get("previous_response_id") is None for body in client.asked] == [True, False, True, False]
    assert client.asked[1]["previous_response_id"] != client.asked[3]["previous_response_id"]


def test_a_server_that_keeps_no_answers_is_found_out_before_any_load():
    client = Model(forgets=True)
    with pytest.raises(ConfigError, match=r"does not keep conversations \(400 .*not found.*\): use --history client"):
        chat_service(client, **SERVER)
    assert client.asked == []


def test_a_server_that_refuses_to_keep_answers_is_told_from_one_that_only_dislikes_a_field():
    class Refusing(Model):
        def send(self, request, sink, exchange):
            if request.method == "POST" and "store" in json.loads(request.body):
                exchange.status, exchange.body = 400, b'{"error": "Unsupported parameter: store"}'
                return
            super().send(request, sink, exchange)

    with pytest.raises(ConfigError, match="does not keep answers: use --history client"):
        chat_service(Refusing(), **SERVER)
    chat_service(Refusing(), api="openai-responses")
