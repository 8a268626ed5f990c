export * from "./parquet.js";
