// Starts what every screen has. Features add modules of their own in their template's `scripts` block.
import "./clock.js";
import "./forms.js";
import "./keys.js";
import "./live.js";
import "./dialogs.js";
import "./pop.js";
import "./recalls.js";
