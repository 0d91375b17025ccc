/* Shows the phone's own share sheet: <button hidden data-share data-share-title="…" data-share-url="…">.
   Stays hidden where the browser has none. */

async function share(button) {
  try {
    await navigator.share({ title: button.dataset.shareTitle, url: button.dataset.shareUrl });
  } catch (error) {
    if (error.name !== "AbortError") {
      button.hidden = true;
    }
  }
}

if (navigator.share) {
  for (const button of document.querySelectorAll("button[data-share]")) {
    button.hidden = false;
    button.addEventListener("click", () => share(button));
  }
}
