import { greeting } from "./words";

document.querySelector("h1")!.textContent = greeting(new Date().getFullYear() > 2000);
