// An image that leads to a page: as a click into the side bar does, so that the visitor's session
// stays; in a new tab, or where there is no side bar, it is a link like any other.
export default function ({ parentElement, data }) {
  const link = parentElement.querySelector(".lead"), image = link.querySelector("img");
  link.href = data.page;
  image.alt = data.alt;
  image.style.setProperty("--shape", data.shape);
  if (image.getAttribute("src") !== data.image) image.src = data.image;
  link.onclick = (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const places = document.querySelectorAll("[data-testid=stSidebarNavLink], [data-testid=stPageLink-NavLink]");
    const same = [...places].find((place) => place.pathname === link.pathname);
    if (same) { event.preventDefault(); same.click(); }
  };
}
