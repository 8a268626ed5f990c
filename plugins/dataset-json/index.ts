import "./json.js";
import "./jsonl.js";
