// The figures of campaigns move all the time: while they are looked at they are fetched again by themselves.
import { refreshAll } from "./fragments.js";

const EVERY = 10 * 1000;

setInterval(() => document.hidden || refreshAll("campaign"), EVERY);
