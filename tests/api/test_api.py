"""The API of a running server: the library's answers, and one sentence for everything else."""

from __future__ import annotations

import http.client
import io
import json
import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import numpy as np
import pytest
import threadpoolctl
from PIL import Image

import zoo
from pages.server import security_headers
from training.benchmarks.pages.page_wait import Server, running_app
from zoo.samples import first_sample, samples
from zoo.segmentation import masks

ROOT = Path(__file__).parents[2]
MB = 2**20
FORM = {"content-type": "multipart/form-data; boundary=x"}
FRIEND = "https://friend.example"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("API_ORIGINS", f"https://other.example, {FRIEND}")
        with running_app() as running:
            yield running


def ask(
    server: Server, address: str, body: bytes | None = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """POST a body, or GET without one; return status, headers and what came."""
    asked = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=120)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    asked.request("GET" if body is None else "POST", f"/api/{address}", body, names)
    answer = asked.getresponse()
    return answer.status, answer.headers, answer.read()


def said(answer: tuple[int, Any, bytes]) -> tuple[int, str]:
    """Return the status and the one sentence of a refusal."""
    (name, sentence), *more = json.loads(answer[2]).items()
    assert (name, more) == ("error", [])
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return answer[0], sentence


def form(*files: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    return b"".join(head + file + b"\r\n" for file in files) + b"--x--\r\n"


def without_seconds(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "seconds"}


def test_it_answers_what_the_library_answers_whoever_asks_at_the_same_time(server: Server) -> None:
    """Bit for bit: a float survives JSON. As on the server: one thread, the processor's numbers."""
    import torch

    images = [
        (name, sample.read())
        for name in zoo.list_models()
        for sample in samples(zoo.info(name).samples)[:4]
    ]
    with threadpoolctl.threadpool_limits(1):
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        names = zoo.list_models()
        models = {name: zoo.load(name, source="bundle", precision="auto") for name in names}
        expected = [models[name].predict(image).to_dict() for name, image in images]
        torch.set_num_threads(threads)

    def answer(asked: tuple[str, bytes]) -> dict[str, Any]:
        status, _, found = ask(server, f"predict/{asked[0]}", asked[1])
        assert status == 200
        return json.loads(found)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(answer, images * 2))
    for found, wanted in zip(answers, expected * 2, strict=True):
        assert without_seconds(found) == without_seconds(wanted)


def test_a_form_and_a_body_are_the_same(server: Server) -> None:
    image = first_sample("digits").read()
    asked = [
        ask(server, "predict/mnist", image),
        ask(server, "predict/mnist", image, content_type="image/png"),
        ask(server, "predict/mnist", image, content_type="application/x-www-form-urlencoded"),
        ask(server, "predict/mnist", form(image), **FORM),
    ]
    answers = [without_seconds(json.loads(answer[2])) for answer in asked]
    assert answers == [answers[0]] * 4
    assert answers[0]["label"] == "7"


def test_mask_and_cut_out_are_png_files_of_the_images_size(server: Server) -> None:
    name = next(name for name in zoo.list_models() if zoo.info(name).task == "segmentation")
    photo = first_sample(zoo.info(name).samples).read()
    numbers = json.loads(ask(server, f"predict/{name}", photo)[2])
    status, headers, mask = ask(server, f"predict/{name}?output=mask", photo)
    assert (status, headers["content-type"]) == (200, "image/png")
    read = masks.read(mask)
    assert read.shape == (numbers["height"], numbers["width"])
    assert read.mean() == pytest.approx(numbers["area"])
    status, headers, cut = ask(server, f"predict/{name}?output=cutout", form(photo), **FORM)
    assert (status, headers["content-type"]) == (200, "image/png")
    with Image.open(io.BytesIO(cut)) as image:
        assert image.mode == "RGBA"
        assert image.size == (numbers["width"], numbers["height"])
        opaque = np.asarray(image.getchannel("A")) >= 128
    assert (opaque == read).mean() > 0.999


def test_answers_are_as_the_openapi_document_says(server: Server) -> None:
    status, _, text = ask(server, "openapi.json")
    document = json.loads(text)
    assert (status, document["openapi"][:2]) == (200, "3.")
    schemas = {"components": document["components"]}

    def check(value: Any, schema: str) -> None:
        jsonschema.validate(value, {"$ref": f"#/components/schemas/{schema}"} | schemas)

    models = json.loads(ask(server, "models")[2])
    check(models, "Models")
    assert [model["name"] for model in models["models"]] == zoo.list_models()
    for model in models["models"]:
        _, headers, image = ask(server, f"example/{model['name']}")
        assert headers["content-type"].startswith("image/")
        assert headers["x-credit"]
        answer = json.loads(ask(server, f"predict/{model['name']}", image)[2])
        check(answer, model["task"].capitalize())
        for output in model["outputs"]:
            assert ask(server, f"predict/{model['name']}?output={output}", image)[0] == 200
    check(json.loads(ask(server, "predict/nobody", b"x")[2]), "Error")
    assert {"/models", "/predict/{model}", "/example/{model}"} == set(document["paths"])
    assert document["servers"] == [{"url": "/api"}]


@pytest.mark.parametrize(
    ("address", "body", "headers", "status", "sentence"),
    [
        ("predict/minst", b"x", {}, 404, "no model 'minst'"),
        ("example/minst", None, {}, 404, "no model 'minst'"),
        ("predict/mnist", b"hello", {}, 422, "not an image"),
        ("predict/mnist", form(b"hello"), FORM, 422, "not an image"),
        ("predict/mnist", b"", {}, 400, "no image"),
        ("predict/mnist", form(), FORM, 400, "no image"),
        ("predict/mnist", form(b"a", b"b"), FORM, 400, "2 files"),
        ("predict/mnist", b"nonsense", FORM, 400, "form cannot be read"),
        ("predict/mnist?output=mask", b"x", {}, 400, "output=json"),
        ("predict/carvana?output=poem", b"x", {}, 400, "output=cutout"),
        ("predict/mnist", None, {}, 405, "another method"),
        ("nothing", None, {}, 404, "/api/docs"),
    ],
)
def test_a_refusal_is_one_sentence(
    server: Server,
    address: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
    sentence: str,
) -> None:
    found = said(ask(server, address, body, **headers))
    assert found[0] == status
    assert sentence in found[1]


def test_too_large_a_body_is_refused_before_it_is_read(server: Server) -> None:
    asked = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    asked.putrequest("POST", "/api/predict/mnist")
    asked.putheader("Content-Length", str(500 * MB))
    asked.endheaders()  # and not a byte of the body
    answer = asked.getresponse()
    assert answer.status == 413
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert f"{settings['server']['maxUploadSize']} MB" in json.loads(answer.read())["error"]


def test_a_large_body_to_a_wrong_address_gets_its_answer(server: Server) -> None:
    """A connection that is cut while a browser still sends shows it no answer."""
    assert said(ask(server, "predict/nobody", bytes(9 * MB)))[0] == 404


def test_only_named_sites_may_ask_from_a_browser(server: Server) -> None:
    image = first_sample("digits").read()
    foreign = ask(server, "predict/mnist", image, origin="https://foreign.example")
    assert said(foreign)[0] == 403
    assert "access-control-allow-origin" not in foreign[1]
    friend = ask(server, "predict/mnist", image, origin=FRIEND)
    assert (friend[0], friend[1]["access-control-allow-origin"]) == (200, FRIEND)
    own = ask(server, "predict/mnist", image, origin=server.url)
    assert own[0] == 200
    behind_a_proxy = {"origin": "https://app.example", "sec_fetch_site": "same-origin"}
    assert ask(server, "predict/mnist", image, **behind_a_proxy)[0] == 200
    for origin, status in ((FRIEND, 204), ("https://foreign.example", 403)):
        asked = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        asked.request("OPTIONS", "/api/predict/mnist", headers=headers)
        assert asked.getresponse().status == status


def test_the_app_and_its_headers_stay(server: Server) -> None:
    for address in ("models", "docs", "nothing"):
        _, headers, _ = ask(server, address)
        for name in security_headers.HEADERS:
            assert headers[name], (address, name)
    asked = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    asked.request("GET", "/api")
    assert asked.getresponse().headers["location"] == "/api/docs"
    asked = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    asked.request("GET", "/digits")
    assert b"streamlit" in asked.getresponse().read().lower()


def test_the_page_names_every_address_and_asks_no_other_host(server: Server) -> None:
    status, headers, page = ask(server, "docs")
    text = page.decode()
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/html")
    for address in ("/api/models", "/api/predict/{model}", "/api/example/{model}"):
        assert address in text
    assert not re.findall(r"https?:|[\"'(]//", text)


def test_a_full_line_says_when_to_come_back() -> None:
    """The first request holds the only place while its body is on the way."""
    image = first_sample("digits").read()
    with running_app(("-m", "tests.api.narrow")) as server:
        first = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        first.putrequest("POST", "/api/predict/mnist")
        first.putheader("Content-Length", str(len(image)))
        first.endheaders()
        first.send(image[:10])
        _wait_until_taken(server, image)
        full = ask(server, "predict/mnist", image)
        assert said(full)[0] == 503
        assert int(full[1]["retry-after"]) > 0
        assert ask(server, "models")[0] == 200, "what takes no core is answered all the same"
        first.send(image[10:])
        assert json.loads(first.getresponse().read())["label"] == "7"
        assert ask(server, "predict/mnist", image)[0] == 200


def _wait_until_taken(server: Server, image: bytes) -> None:
    """Until the first request has arrived, others are answered."""
    for _ in range(500):
        if ask(server, "predict/mnist", image)[0] == 503:
            return
    pytest.fail("Two requests were answered at the same time.")
