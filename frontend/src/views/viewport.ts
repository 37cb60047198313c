/**
 * Keeps the frame, and with it the exit, inside what can be seen while a phone's keyboard is open: some browsers lay the
 * keyboard over the page and push its top away. Browsers that shrink the page by themselves lose nothing by it.
 */
export function followViewport(page: Window): void {
  const seen = page.visualViewport;
  if (!seen) return;
  const { style } = page.document.documentElement;
  const follow = () => {
    // Zoomed in by two fingers the person moves what they see by themselves.
    if (seen.scale > 1.01) return;
    style.setProperty("--seen-height", `${seen.height}px`);
    style.setProperty("--seen-top", `${seen.offsetTop}px`);
  };
  seen.addEventListener("resize", follow);
  seen.addEventListener("scroll", follow);
  follow();
}
