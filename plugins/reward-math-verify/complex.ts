/** Complex arithmetic in doubles that carries a bound on its own rounding error. */

/** `error` bounds the absolute error of the value, up to a small factor. */
export interface Complex {
  readonly re: number;
  readonly im: number;
  readonly error: number;
}

const EPSILON = 2 ** -52;

export const NOWHERE: Complex = { re: Number.NaN, im: Number.NaN, error: Number.NaN };

export function size({ re, im }: { re: number; im: number }): number {
  return Math.hypot(re, im);
}

/** A value whose arguments bring `error`; its own rounding is added. */
export function complex(re: number, im = 0, error = 0): Complex {
  return { re, im, error: error + EPSILON * Math.hypot(re, im) };
}

export const add = (a: Complex, b: Complex): Complex => complex(a.re + b.re, a.im + b.im, a.error + b.error);
export const negate = ({ re, im, error }: Complex): Complex => ({ re: -re, im: -im, error });

export function multiply(a: Complex, b: Complex): Complex {
  return complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, size(a) * b.error + size(b) * a.error + EPSILON * size(a) * size(b));
}

export function divide(a: Complex, b: Complex): Complex {
  const square = b.re * b.re + b.im * b.im;
  const [re, im] = [(a.re * b.re + a.im * b.im) / square, (a.im * b.re - a.re * b.im) / square];
  return complex(re, im, (a.error + size({ re, im }) * b.error) / Math.sqrt(square) + EPSILON * size({ re, im }));
}

export function exp(a: Complex): Complex {
  const length = Math.exp(a.re);
  return complex(length * Math.cos(a.im), length * Math.sin(a.im), length * a.error);
}

/** The principal logarithm. */
export function ln(a: Complex): Complex {
  return complex(Math.log(size(a)), Math.atan2(a.im, a.re), a.error / size(a));
}

/** The principal power; 0 to a positive power is 0. */
export function power(a: Complex, b: Complex): Complex {
  if (a.re === 0 && a.im === 0) return b.re > 0 ? complex(0, 0, a.error === 0 ? 0 : a.error ** Math.min(1, b.re)) : b.re === 0 && b.im === 0 ? complex(1) : NOWHERE;
  if (b.im === 0 && (a.im === 0 && (a.re > 0 || Number.isInteger(b.re)))) {
    const value = a.re ** b.re;
    return complex(value, 0, Math.abs(value) * (Math.abs(b.re / a.re) * a.error + Math.abs(Math.log(Math.abs(a.re))) * b.error));
  }
  return exp(multiply(b, ln(a)));
}

/** The root of a whole index: of a negative number the real one where the index is odd. */
export function root(a: Complex, index: Complex): Complex {
  const isOdd = Number.isInteger(index.re) && index.re % 2 !== 0;
  if (a.im === 0 && a.re < 0 && isOdd) return negate(root(negate(a), index));
  if (index.re === 2 && a.im === 0) {
    const value = Math.sqrt(Math.abs(a.re));
    const error = a.error === 0 ? 0 : a.error / (value + Math.sqrt(a.error));
    return a.re >= 0 ? complex(value, 0, error) : complex(0, value, error);
  }
  return power(a, divide(complex(1), index));
}

export function sin(a: Complex): Complex {
  return complex(Math.sin(a.re) * Math.cosh(a.im), Math.cos(a.re) * Math.sinh(a.im), Math.cosh(a.im) * a.error);
}

export function cos(a: Complex): Complex {
  return complex(Math.cos(a.re) * Math.cosh(a.im), -Math.sin(a.re) * Math.sinh(a.im), Math.cosh(a.im) * a.error);
}

/** A function of real numbers alone, by its value and the size of its slope there. */
export function real(a: Complex, value: (x: number) => number, slope: (x: number) => number): Complex {
  return a.im === 0 ? complex(value(a.re), 0, slope(a.re) * a.error) : NOWHERE;
}
