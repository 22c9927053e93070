"""Feature maps: open a trained network, layer by layer, channel by channel, number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models, number_format, site
from pages.components import upload
from pages.components.arithmetic_steps import arithmetic_steps
from pages.components.diagram import diagram
from pages.components.drawing_pad import drawing_pad
from pages.components.drop_zone import drop_zone
from pages.components.grid_picker import grid_picker
from pages.components.link import link
from pages.components.thumbnails import thumbnails
from pages.images import colour_bar, encoding, mosaic, shared_images
from pages.images.encoding import data_url as address
from pages.sections import attribution_maps
from pages.sections.feature_maps import feature_visualization, top_images, trace_cache
from zoo.samples import Sample, first_sample, samples

entry_guard.ensure("pages/feature_maps.py")


def collection_of(name: str) -> str:
    """Return the images to try a model on: its own, or those of another model with its task."""
    same_task = (zoo.info(other).samples for other in zoo.list_models(zoo.info(name).task))
    return zoo.info(name).samples or next(filter(None, same_task), "")


NAMES = [name for name in zoo.list_models() if collection_of(name)]


# --- What is looked at. Plain session state, so that it outlives a visit to another page. ---


def state() -> dict[str, Any]:
    """Return the visitor's choices."""
    return st.session_state.setdefault("inside", {"model": NAMES[0], "of": {}})


def now() -> dict[str, Any]:
    """Return the choices for the model in use: image, layer, channel, pixel."""
    name = state()["model"]
    if name not in state()["of"]:
        state()["of"][name] = {"layer": None, "channel": None, "pixel": None, "chosen": ()}
        put_sample(first_sample(collection_of(name)).id)
    return state()["of"][name]


def images_of(name: str) -> tuple[Sample, ...]:
    """Return the images to try a model on."""
    return samples(collection_of(name))


def put(contents: Any, **more: Any) -> None:
    """Look at another image; layer and channel stay. One that cannot be used leaves the old."""
    here = state()["of"][state()["model"]]
    here.pop("problem", None)
    try:
        view = loaded_models.load(state()["model"]).model_input_image(contents)
    except Exception as error:
        here["problem"] = upload.problem(error)
        return
    put_view(view, **more)


def put_view(view: np.ndarray, **more: Any) -> None:
    """Look at an image as the network sees it."""
    here = state()["of"][state()["model"]]
    for key in ("id", "strokes", "own"):
        here.pop(key, None)
    here |= {"view": view, "pixel": None, **more}


def put_sample(sample_id: str) -> None:
    """Look at a sample; an id that does not exist changes nothing."""
    for sample in images_of(state()["model"]):
        if sample.id == sample_id:
            put(sample.read(), id=sample_id)


def on_model() -> None:
    """Look into another model."""
    state()["model"] = st.session_state["inside-model"] or state()["model"]


def on_pick() -> None:
    """Take the sample that was clicked."""
    if chosen := thumbnails.picked("inside-samples"):
        put_sample(chosen)


def on_file(_name: str, contents: bytes) -> None:
    """Take an image of the visitor's own, which stays at hand while they look at others."""
    put(contents, own=True)
    if "problem" not in now():
        now()["yours"] = now()["view"]


def on_back() -> None:
    """Look at the visitor's own image again."""
    if "yours" in now():
        put_view(now()["yours"], own=True)


def on_stroke() -> None:
    """Take what was drawn."""
    if drawing := drawing_pad.drawing("inside-pad"):
        put(drawing.png, strokes=drawing.strokes)


def on_layer() -> None:
    """Open another layer, at its strongest channel."""
    here, model = now(), loaded_models.load(state()["model"])
    if chosen := diagram.picked(
        "inside-diagram", trace_cache.run(model, trace_cache.small(model, here["view"]))
    ):
        here |= {"layer": chosen, "channel": None, "pixel": None, "chosen": ("layer",)}


def on_channel() -> None:
    """Look at another channel of the layer."""
    order = st.session_state["inside-order"]
    if (cell := grid_picker.picked("inside-maps", len(order))) is not None:
        now().update(channel=order[cell], pixel=None, chosen=("layer", "channel"))


def on_pixel() -> None:
    """Compute another value of the map."""
    height, width = st.session_state["inside-size"]
    if (cell := grid_picker.picked("inside-pixels", height * width)) is not None:
        now().update(pixel=divmod(cell, width), chosen=("layer", "channel", "pixel"))


def on_link() -> None:
    """Take what a visitor's link names; a layer, channel or pixel that is not there is left out."""
    largest = link.whole(0, 10_000)
    came = link.arrived(
        model=link.one_of(NAMES),
        sample=str,
        layer=str,
        channel=largest,
        row=largest,
        column=largest,
    )
    if "model" in came:
        state()["model"] = came["model"]
    here = now() if came else {}
    if "sample" in came:
        put_sample(came["sample"])
    if "layer" in came:
        here |= {"layer": came["layer"], "channel": came.get("channel"), "pixel": None}
        if "row" in came and "column" in came:
            here["pixel"] = (came["row"], came["column"])
        here["chosen"] = tuple(
            name for name in ("layer", "channel", "pixel") if here[name] is not None
        )


def hold_in_link() -> None:
    """Put into the address what `on_link` reads: what the visitor chose, not what was proposed."""
    here, name = now(), state()["model"]
    held = {part: here[part] for part in ("layer", "channel") if part in here["chosen"]}
    row, column = here["pixel"] if "pixel" in here["chosen"] else (None, None)
    sample = here.get("id")
    link.show(
        model=None if name == NAMES[0] else name,
        sample=None if sample == first_sample(collection_of(name)).id else sample,
        layer=held.get("layer"),
        channel=held.get("channel"),
        row=row,
        column=column,
    )


# --- The parts of the page. ---


def show_choices(model: zoo.Model) -> None:
    """Draw the choice of the model and of the image."""
    if len(NAMES) > 1:
        st.segmented_control(
            "Network",
            NAMES,
            default=model.name,
            format_func=title_of,
            key="inside-model",
            on_change=on_model,
            required=True,
        )
    left, right = st.columns([8, 5], gap="medium", vertical_alignment="bottom")
    with left:
        thumbnails.show("inside-samples", thumbnail_items(model.name), now().get("id"), on_pick)
    with right:
        yours = now().get("yours")
        drop_zone.show(
            f"inside-{model.name}",
            title="Your image",
            on_file=on_file,
            yours=None if yours is None else address(encoding.png(yours)),
            chosen=bool(now().get("own")),
            on_back=on_back,
            result="inside-diagram-place",
        )
        if model.preprocessing.kind == "mnist_digit":
            with st.popover("Draw", icon=":material/draw:"):
                drawn = now().get("strokes")
                drawing_pad.draw("inside-pad", token="pad", strokes=drawn, on_change=on_stroke)


def title_of(name: str) -> str:
    """Return a model's title, with its name where several share it; the host's own has its name."""
    title = zoo.info(name).title
    if zoo.info(name).folder is not None:
        return name
    shared = sum(zoo.info(other).title == title for other in NAMES) > 1
    return f"{title} ({name})" if shared else title


@st.cache_data(show_spinner=False)
def thumbnail_items(name: str) -> dict[str, list[thumbnails.Item]]:
    """Return the model's sample images."""
    images = [sample for sample in images_of(name) if sample.group == "typical"]
    items = [
        thumbnails.Item(
            s.id,
            shared_images.address(encoding.png(encoding.band([s.read()]))),
            s.description,
        )
        for s in images[:10]
    ]
    return {"Images": items}


@st.fragment
def explorer(model: zoo.Model) -> None:
    """Draw all that depends on layer, channel and pixel: a click reruns this and nothing else."""
    here = now()
    view = trace_cache.small(model, here["view"])
    run = trace_cache.run(model, view)
    found = diagram.blocks(run)
    if here["layer"] not in run.calls:
        first = next(block for block in found if any(layer.parameters for layer in block.layers))
        here |= {"layer": first.main.name, "channel": None, "pixel": None, "chosen": ()}
    st.header("The network", anchor="network")
    with st.container(key="inside-diagram-place"):
        diagram.show(
            "inside-diagram", found, here["layer"], on_layer, trace_cache.over(view, None, None)
        )
    layer = run.layer(here["layer"])
    st.header(f"{diagram.title(layer)}: {diagram.size(layer.shape)}", anchor="maps")
    left, right = st.columns([8, 5], gap="large")
    with left:
        show_maps(model, run, layer)
    with right:
        show_channel(model, view, run, layer)
    st.header("The arithmetic", anchor="arithmetic")
    if len(layer.shape) == 3:
        left, right = st.columns([4, 9], gap="medium")
        with left:
            show_map(view, run, layer)
        with right:
            show_arithmetic(model, run, layer)
    else:
        show_arithmetic(model, run, layer)
    hold_in_link()
    # Last: the first time it may have to ask the network about many images.
    top_images.show(model, run, layer, here["channel"])


def show_maps(model: zoo.Model, run: zoo.explain.Trace, layer: zoo.explain.TracedLayer) -> None:
    """Draw all maps of the layer; one of them is chosen."""
    here, values = now(), run[layer.name]
    with st.container(horizontal=True, gap="medium"):
        sort = st.toggle("Strongest first", key="inside-sort")
        own = st.toggle("Each map on its own scale", key="inside-own")
    means = trace_cache.means(values)
    order = trace_cache.order(values, sort)
    if here["channel"] is None or here["channel"] >= len(values):
        here["channel"] = trace_cache.liveliest(values)
    st.session_state["inside-order"] = order
    image, grid = trace_cache.sheet(values[order], own, 720)
    names = [f"channel {c}" for c in range(len(values))]
    if layer.name == run.output and isinstance(model, zoo.Classifier):
        names = [f"channel {c}: {label}" for c, label in enumerate(model.labels)]
    grid_picker.show(
        "inside-maps",
        f"The {len(values)} maps of {layer.name}.",
        image,
        grid,
        order.index(here["channel"]),
        on_channel,
        labels=[f"{names[c]}, mean {arithmetic_steps.number(float(means[c]))}" for c in order],
        caption=True,
    )
    show_colours(values[None, here["channel"]] if own else values)
    st.caption(
        f"{layer.name}: {layer.operation}, {number_format.count(layer.parameters)} parameters."
        f"{' The colours are those of the chosen map.' if own else ''}"
    )


def show_colours(values: np.ndarray) -> None:
    """Draw the bar that says which value has which colour."""
    most = float(np.abs(values).max()) if len(values) == 1 else mosaic.limit(values)
    low = -1 if values.min() < 0 else 0
    least, highest = (arithmetic_steps.number(float(f"{end * most:.2g}")) for end in (low, 1))
    st.html(colour_bar.bar(least, highest, mosaic.ramp(low)))


def show_channel(
    model: zoo.Model, view: np.ndarray, run: zoo.explain.Trace, layer: zoo.explain.TracedLayer
) -> None:
    """Draw one channel: its kernel, and its preferred input."""
    channel = now()["channel"]
    st.markdown(f"**Channel {channel}**")
    show_kernel(run, layer)
    feature_visualization.show(model, layer, channel, view.shape[:2])


def show_map(view: np.ndarray, run: zoo.explain.Trace, layer: zoo.explain.TracedLayer) -> None:
    """Draw the channel's map, one pixel of it chosen, beside what that pixel sees."""
    here = now()
    values = run[layer.name][here["channel"]]
    height, width = values.shape
    if here["pixel"] is None or here["pixel"][0] >= height or here["pixel"][1] >= width:
        here["pixel"] = trace_cache.peak(values)
    row, column = here["pixel"]
    st.session_state["inside-size"] = (height, width)
    st.markdown(f"**Map of channel {here['channel']}**: click a pixel")
    grid_picker.show(
        "inside-pixels",
        f"Map of channel {here['channel']}.",
        trace_cache.sheet(values[None], True, max(352, width))[0],
        mosaic.Mosaic(height, width, height * width, aspect=1.0),
        row * width + column,
        on_pixel,
        caption=True,
        widest="26rem",
    )
    show_colours(values[None])
    field = zoo.explain.receptive_field(run, layer.name, row, column)
    st.image(
        trace_cache.over(view, values, field),
        width="stretch",
        alt=f"The map over the image; framed, what row {row}, column {column} sees",
    )
    st.caption(f"Framed: the {field.width} × {field.height} pixels that it sees")


def show_kernel(run: zoo.explain.Trace, layer: zoo.explain.TracedLayer) -> None:
    """Draw the weights that the channel is made with."""
    kernel = zoo.explain.kernel_of(run, layer.name, now()["channel"])
    if kernel is None:
        return
    st.image(mosaic.png(kernel), width="stretch", alt=f"Weights of channel {now()['channel']}")
    st.caption(
        f"Its weights: {kernel.shape[-2]} × {kernel.shape[-1]} for each of {len(kernel)} "
        f"input channel{'s' if len(kernel) > 1 else ''}"
    )


def show_arithmetic(
    model: zoo.Model, run: zoo.explain.Trace, layer: zoo.explain.TracedLayer
) -> None:
    """Draw how the chosen value comes about."""
    here = now()
    row, column = here["pixel"] or (0, 0)
    maps = len(layer.shape) == 3
    where = f"row {row}, column {column} of channel" if maps else "feature"
    st.markdown(
        f"How **{where} {here['channel']}** of `{layer.name}` comes about, recomputed from what "
        "went in."
    )
    try:
        found = list(zoo.explain.arithmetic(run, layer.name, here["channel"], row, column))
        if layer.name == run.output and isinstance(model, zoo.Classifier):
            found.append(zoo.explain.softmax_step(run, here["channel"]))
    except zoo.ZooError as error:
        st.info(str(error))
        return
    arithmetic_steps.show("inside-steps", found)


st.title("Feature maps", anchor=False)
st.markdown(
    "Open a trained network: every layer, every channel, and the arithmetic behind every number, "
    "on an image of yours."
)
if not NAMES:
    st.info("No network is here to be opened: train one and export it, as the README shows.")
    st.stop()
on_link()
model = loaded_models.load(state()["model"])
now()
show_choices(model)
if "problem" in now():
    st.warning(
        f"{now()['problem']} The image before it stays.", icon=":material/image_not_supported:"
    )
explorer(model)
if isinstance(model, zoo.Classifier):
    attribution_maps.show(model, now()["view"])
elif "pages/skip_connections.py" in [entry.path for entry in site.entries()]:
    st.page_link(
        "pages/skip_connections.py",
        label="What its skip connections are for",
        icon=":material/conversion_path:",
    )
