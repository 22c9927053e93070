"""Folding the BatchNorm of a trained network into its convolutions, on demand, and measuring it."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import number_format
from pages.sections.batch_norm import norm_inputs
from zoo import batch_norm

ROUNDS = 7  # timed passes of each network


@st.fragment
def show(model: zoo.Classifier, weights: str) -> None:
    """Fold the network on demand, and compare outputs and speed."""
    count = st.segmented_control(
        "Images at a time", (1, 16), default=1, required=True, key="bn.fold.count"
    )
    if st.button("Fold and measure", icon=":material/compress:", key="bn.fold"):
        inputs = norm_inputs.inputs(model, weights)[: int(count)]
        with st.spinner("Folding, and timing both in turns …"):
            try:
                folded = batch_norm.fold(model.network, inputs[:1])
            except zoo.ZooError as error:
                st.error(str(error))
                return
            compared = batch_norm.compare(model.network, folded.network, inputs, ROUNDS)
        st.session_state["bn.folded"] = (folded.pairs, folded.kept, compared, int(count))
        st.rerun()  # the table of claims, outside this fragment, has one more
    if "bn.folded" not in st.session_state:
        return
    pairs, kept, compared, measured = st.session_state["bn.folded"]
    with st.container(horizontal=True, gap="medium"):
        st.metric("Largest difference of the logits", f"{compared.max_difference:.1e}")
        st.metric("With BatchNorm", number_format.duration(compared.before))
        st.metric("Folded", number_format.duration(compared.after))
        st.metric("Speed", f"× {compared.ratio:.2f}")
    left = f" {', '.join(kept)} cannot be folded: γ ≤ 0 behind a pooling layer." if kept else ""
    st.caption(
        f"{len(pairs)} BatchNorm layers disappeared into the convolutions before them, for example "
        f"{pairs[0][1]} into {pairs[0][0]}.{left} The largest logit is {compared.largest:.2f}. "
        f"Median of {ROUNDS} passes, {measured} image{'s' if measured > 1 else ''} at a time, on "
        f"the {model.device.upper()}, while others may use it too."
        if pairs
        else f"No layer could be folded.{left}"
    )


def folded() -> batch_norm.Comparison | None:
    """Return the comparison that this visitor asked for last, or None."""
    kept = st.session_state.get("bn.folded")
    return None if kept is None else kept[2]
