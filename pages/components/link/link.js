// Puts a page's choices into its address, in the place of those that were there: no new entry in the
// browser's history for each of them, so that "back" leaves the page. What the address holds beside
// them stays.
export default function ({ data }) {
  const address = new URL(window.location.href), before = address.search;
  if (!address.pathname.endsWith(`/${data.page}`)) return;   // of a page that the visitor has left
  for (const [name, value] of Object.entries(data.choices)) {
    if (value === null) address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  if (address.search !== before) window.history.replaceState(window.history.state, "", address);
}
