/** Units, currencies and counted things beside a number. They may be left out; where both answers name one, the two must agree. */
import { rational } from "./rational.js";
import type { Rational } from "./rational.js";

export interface Unit {
  /** What is measured: `length`, `length^2`, `money:$`, `length/time`; `%` and `angle` are plain numbers with a factor. */
  dimension: string;
  /** How many of the dimension's base unit. */
  factor: Rational;
}

const n = (above: number, below = 1): Rational => rational(BigInt(above), BigInt(below))!;

// prettier-ignore
const TABLE: readonly (readonly [dimension: string, factor: Rational, names: string])[] = [
  ["length", n(1), "m meter metre"], ["length", n(1, 100), "cm centimeter centimetre"], ["length", n(1, 1000), "mm millimeter millimetre"],
  ["length", n(1, 10), "dm decimeter"], ["length", n(1000), "km kilometer kilometre"],
  ["length", n(254, 10_000), "in inch inches"], ["length", n(3048, 10_000), "ft foot feet"], ["length", n(9144, 10_000), "yd yard"], ["length", n(1_609_344, 1000), "mi mile"],
  ["mass", n(1), "g gm gram"], ["mass", n(1000), "kg kilogram"], ["mass", n(1, 1000), "mg milligram"], ["mass", n(45_359_237, 100_000), "lb lbs pound"], ["mass", n(45_359_237, 1_600_000), "oz ounce"],
  ["time", n(1), "s sec second"], ["time", n(60), "min minute"], ["time", n(3600), "h hr hour"], ["time", n(86_400), "day"], ["time", n(604_800), "week"], ["time", n(1, 1000), "ms millisecond"],
  ["year", n(1), "year yr"], ["year", n(1, 12), "month"],
  ["volume", n(1), "l liter litre"], ["volume", n(1, 1000), "ml milliliter millilitre"],
  ["speed", n(1_609_344, 3_600_000), "mph"], ["speed", n(1000, 3600), "kph kmh"],
  ["energy", n(1), "J joule"], ["force", n(1), "N newton"], ["power", n(1), "W watt"], ["voltage", n(1), "V volt"], ["temperature", n(1), "K kelvin"], ["pressure", n(1), "pa pascal"], ["amount", n(1), "mol mole"], ["frequency", n(1), "hz hertz"],
  ["money:$", n(1), "$ usd us$ dollar buck"], ["money:$", n(1, 100), "¢ cent"], ["money:€", n(1), "€ eur euro"], ["money:£", n(1), "£ gbp"], ["money:¥", n(1), "¥ yen yuan"], ["money:₹", n(1), "₹ rs rupee"],
  ["%", n(1, 100), "% percent"], ["angle", n(1), "° deg degree"], ["rad", n(1), "rad radian"],
  ["celsius", n(1), "°c celsius"], ["fahrenheit", n(1), "°f fahrenheit"],
];

const UNITS = new Map(TABLE.flatMap(([dimension, factor, names]) => names.split(" ").map((name): [string, Unit] => [name, { dimension, factor }])));

const MULTIPLES: Readonly<Record<string, number>> = { dozen: 12, hundred: 100, thousand: 1000, million: 1_000_000, billion: 1_000_000_000, trillion: 1_000_000_000_000 };

/** A phrase with one of these says more than what is counted. */
const NO_UNIT = /\b(?:or|and|not|no|nor|to|than|times|plus|minus|but|is|are|was|if|more|less|fewer|between|either|over|mod|choose|th|st|nd|rd|half|third|quarter|quarters|thirds|halves|factorial|squared|cubed|root|pi)\b/i;

export interface Measured {
  /** What is left without the unit. */
  text: string;
  unit?: Unit;
  /** Of a multiple such as "million". */
  multiple?: Rational;
}

const CURRENCY = /^([-+]?)\s*(US\s?\$|Rs\.?|[$€£¥₹])\s*(?=[-+\d.\\(])/;
const TAIL = /^(.*?(?:[\d)}\]!.]|\\pi))(\s*)((?:[%°¢$€£¥₹]|[A-Za-zµ°])(?:[-A-Za-z°µ.\s/²³]|\^\{?-?\d\}?)*)$/s;

/** Parts a number-like text from the unit or the words beside it. A text that is none is left whole. */
export function splitUnit(text: string): Measured {
  const currency = CURRENCY.exec(text);
  if (currency) {
    const rest = splitUnit(`${currency[1]}${text.slice(currency[0].length)}`);
    return { ...rest, unit: UNITS.get(currency[2]!.toLowerCase().replace(/\s|\.$/g, ""))! };
  }
  const [, value, gap, words] = TAIL.exec(text) ?? [];
  if (value === undefined || !isNumberLike(value)) return { text };
  if (gap === "" && /^[A-Za-z]$/.test(words!)) return { text }; // 5m may be five times m
  const [first, ...others] = words!.trim().split(/\s+/);
  const multiple = MULTIPLES[first!.toLowerCase()];
  const unit = readUnit(multiple === undefined ? words! : others.join(" "));
  const counted = multiple === undefined ? gap !== "" && isCounted(words!) : others.length === 0 || isCounted(others.join(" "));
  if (!unit && !counted) return { text };
  return { text: value, unit, ...(multiple !== undefined && { multiple: n(multiple) }) };
}

/** Free of variables: only numbers, commands and brackets. */
function isNumberLike(text: string): boolean {
  return !/[A-Za-z=<>]/.test(text.replace(/\\(?:frac|sqrt|pi|cdot|times|infty|overline)(?![A-Za-z])/g, "").replace(/\d[eE][-+]?\d/g, "")) && /\d|\\pi/.test(text);
}

/** "apples", "red balls in the box": up to six words that count or measure something. */
function isCounted(words: string): boolean {
  const all = words.trim().split(/\s+/);
  return all.length <= 6 && all.every((word) => /^[A-Za-z][-A-Za-z']*\.?$/.test(word)) && all.some((word) => word.length > 2) && !NO_UNIT.test(words);
}

/** `cm`, `square feet`, `m^2`, `km/h`, `miles per hour`, `°`, `percent`; undefined for other words. */
function readUnit(words: string): Unit | undefined {
  const text = words.trim().replace(/\s*(?:\/|\bper\b)\s*/g, "/").replace(/\.(?=\s|\/|$)/g, "").replace("²", "^2").replace("³", "^3");
  const parts = text.split("/").map(readPower);
  if (parts.length > 2 || parts.some((part) => part === undefined)) return undefined;
  const [above, below] = parts as [Unit, Unit?];
  if (!below) return above;
  const factor = rational(above.factor.n * below.factor.d, above.factor.d * below.factor.n)!;
  const dimension = `${above.dimension}/${below.dimension}`;
  return { dimension: dimension === "length/time" ? "speed" : dimension, factor };
}

function readPower(text: string): Unit | undefined {
  const words = text.trim();
  const [, before, name, exponent, after] = /^(?:(square|sq|cubic|cu)\s+)?(.*?)\s*(?:\^\s*\{?\s*(\d)\s*\}?|\s(squared|cubed))?$/is.exec(words)!;
  const unit = UNITS.get(name!) ?? UNITS.get(name!.toLowerCase()) ?? UNITS.get(name!.toLowerCase().replace(/s$/, "")) ?? UNITS.get(name!.replace(/\s+/g, "").toLowerCase());
  if (!unit) return undefined;
  const times = exponent ? Number(exponent) : /^(?:sq|squared)/i.test(before ?? after ?? "") ? 2 : before || after ? 3 : 1;
  if (times === 1) return unit;
  const factor = rational(unit.factor.n ** BigInt(times), unit.factor.d ** BigInt(times))!;
  return unit.dimension === "length" && times === 3 ? { dimension: "volume", factor: rational(factor.n * 1000n, factor.d)! } : { dimension: `${unit.dimension}^${times}`, factor };
}
