/* Remembers where she is in a lesson, on every device: <audio data-listen="lesson" data-save-url data-csrf>, with
   data-resume-ms and data-age-ms (how long ago that was) when the server knows a place. Beside it in the same list item
   [data-heard] shows how far she is and a[data-go-on] plays on. What cannot be sent stays in this browser until it can. */

const EVERY_MS = 5000;
const AGAIN_MS = 2000;
const PREFIX = "cadans-place ";
// what the server will never take: not hers, or no such lesson
const HOPELESS = new Set([404, 410, 413, 422]);

const inMemory = new Map();
const players = [...document.querySelectorAll("audio[data-listen]")];
const sending = new Set();

function nameOf(audio) {
  return `${PREFIX}${audio.dataset.saveUrl} ${audio.dataset.listen}`;
}

function recall(audio) {
  try {
    return JSON.parse(localStorage.getItem(nameOf(audio)));
  } catch {
    return inMemory.get(nameOf(audio)) ?? null;
  }
}

function remember(audio, place) {
  try {
    localStorage.setItem(nameOf(audio), JSON.stringify(place));
  } catch {
    // a browser that keeps nothing for us: this page still does
    inMemory.set(nameOf(audio), place);
  }
}

function forget(audio) {
  inMemory.delete(nameOf(audio));
  try {
    localStorage.removeItem(nameOf(audio));
  } catch {
    // nothing was kept there
  }
}

async function send(audio) {
  const place = recall(audio);
  if (!place || sending.has(audio)) {
    return;
  }
  sending.add(audio);
  const answer = await post(audio, place);
  sending.delete(audio);
  if (answer?.ok) {
    await say(audio, answer);
  }
  if ((answer?.ok || HOPELESS.has(answer?.status)) && recall(audio)?.at === place.at) {
    forget(audio);
  } else if (answer?.ok || answer?.status === 429) {
    window.setTimeout(() => send(audio), AGAIN_MS);
  }
}

async function post(audio, place) {
  const body = new URLSearchParams({
    csrf_token: audio.dataset.csrf,
    lesson: audio.dataset.listen,
    position_ms: place.position_ms,
    is_at_end: place.is_at_end ? "1" : "0",
    // not the time of this clock, which may be wrong
    age_ms: Math.max(0, Date.now() - place.at),
  });
  try {
    // keepalive: it arrives even when the page is left meanwhile; manual: her session may be over
    return await fetch(audio.dataset.saveUrl, { method: "POST", body, keepalive: true, redirect: "manual" });
  } catch {
    return null;
  }
}

async function say(audio, answer) {
  const place = audio.closest("li")?.querySelector("[data-heard]");
  if (place) {
    place.textContent = (await answer.json()).heard;
  }
}

function note(audio, isAtEnd = false) {
  audio.notedAt = Date.now();
  remember(audio, { position_ms: Math.round(audio.currentTime * 1000), is_at_end: isAtEnd, at: Date.now() });
  send(audio);
}

function placeToGoOn(audio) {
  const here = recall(audio);
  const ageElsewhere = Number(audio.dataset.ageMs ?? Infinity);
  if (here && Date.now() - here.at < ageElsewhere) {
    return here.is_at_end ? 0 : here.position_ms;
  }
  return Number(audio.dataset.resumeMs ?? 0);
}

// from here on it counts as heard and starts over: app/services/positions.py says so too
function endOf(audio) {
  return audio.duration - Math.min(20, audio.duration / 10);
}

function silenceOthers(audio) {
  for (const other of players) {
    if (other !== audio && !other.paused) {
      other.pause();
    }
  }
}

function noteAllThatPlay() {
  for (const audio of players.filter((each) => !each.paused && !each.ended)) {
    note(audio);
  }
}

function sendAll() {
  players.forEach(send);
}

function watch(audio) {
  const goOn = placeToGoOn(audio);
  audio.addEventListener(
    "loadedmetadata",
    () => {
      // it may have begun to play before we hear of it; further on she chose the place herself
      if (goOn > 0 && goOn / 1000 < endOf(audio) && audio.currentTime < 1) {
        audio.currentTime = goOn / 1000;
      }
    },
    { once: true },
  );
  audio.addEventListener("play", () => silenceOthers(audio));
  audio.addEventListener("timeupdate", () => {
    if (!audio.paused && Date.now() - (audio.notedAt ?? 0) >= EVERY_MS) {
      note(audio);
    }
  });
  audio.addEventListener("pause", () => {
    if (!audio.ended) {
      note(audio);
    }
  });
  audio.addEventListener("ended", () => note(audio, true));
  audio
    .closest("li")
    ?.querySelector("a[data-go-on]")
    ?.addEventListener("click", (event) => {
      event.preventDefault();
      audio.play();
    });
}

players.forEach(watch);
sendAll();
window.addEventListener("online", sendAll);
window.addEventListener("pagehide", noteAllThatPlay);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") {
    noteAllThatPlay();
  }
});
