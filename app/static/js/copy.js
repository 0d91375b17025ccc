/* A button that copies: <button hidden data-copy="id of the field" data-copied="Copied" data-copy-failed="…">,
   beside it <span role="status" data-copy-said>. Without JavaScript the button stays hidden; the field can be selected by hand. */

function say(button, words) {
  const place = button.parentElement.querySelector("[data-copy-said]");
  place.textContent = words;
  window.setTimeout(() => {
    place.textContent = "";
  }, 6000);
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    say(button, button.dataset.copied);
  } catch {
    // no permission, or no https: the text is selected, so the keyboard and the phone's own menu can copy it
    say(button, button.dataset.copyFailed);
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
