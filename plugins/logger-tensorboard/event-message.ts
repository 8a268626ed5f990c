/**
 * The messages that TensorBoard reads, as far as scalars, texts and restarts need them: field numbers of TensorFlow's
 * util/event.proto, framework/summary.proto and framework/tensor.proto.
 */
import type { Metrics } from "@verlet/core";
import protobuf from "protobufjs";

const schema = `
  syntax = "proto3";
  message Event {
    double wall_time = 1;
    int64 step = 2;
    oneof what {
      string file_version = 3;
      Summary summary = 5;
      SessionLog session_log = 7;
    }
  }
  message SessionLog {
    enum Status { UNSPECIFIED = 0; START = 1; }
    Status status = 1;
  }
  message Summary {
    message Value {
      string tag = 1;
      oneof value {
        float simple_value = 2;
        TensorProto tensor = 8;
      }
      SummaryMetadata metadata = 9;
    }
    repeated Value value = 1;
  }
  message SummaryMetadata {
    message PluginData { string plugin_name = 1; }
    PluginData plugin_data = 1;
  }
  message TensorProto {
    int32 dtype = 1;
    TensorShapeProto tensor_shape = 2;
    repeated bytes string_val = 8;
  }
  message TensorShapeProto {
    message Dim { int64 size = 1; }
    repeated Dim dim = 2;
  }
`;

const Event = protobuf.parse(schema).root.lookupType("Event");
const START = 1;
const DT_STRING = 7;

/** Where an event stands. */
export interface EventPlace {
  /** Seconds since 1970. */
  wallTime: number;
  step: number;
}

type Content = { fileVersion: string } | { summary: { value: object[] } } | { sessionLog: { status: number } };

const encode = (place: EventPlace, content: Content): Uint8Array => Event.encode({ ...place, ...content }).finish();

/** What the first record of every file says. */
export const versionEvent = ({ wallTime }: Pick<EventPlace, "wallTime">): Uint8Array => Event.encode({ wallTime, fileVersion: "brain.Event:2" }).finish();

/** A run begins, or goes on, with this step: TensorBoard forgets what earlier files of the folder say of it and of later ones. */
export const startEvent = (place: EventPlace): Uint8Array => encode(place, { sessionLog: { status: START } });

/** Every metric under its own name. Event files hold scalars as float32. */
export const scalarsEvent = (place: EventPlace, metrics: Metrics): Uint8Array =>
  encode(place, { summary: { value: Object.entries(metrics).map(([tag, simpleValue]) => ({ tag, simpleValue })) } });

/** A Markdown text. */
export const textEvent = (place: EventPlace, tag: string, markdown: string): Uint8Array =>
  encode(place, {
    summary: {
      value: [
        {
          tag,
          tensor: { dtype: DT_STRING, tensorShape: { dim: [{ size: 1 }] }, stringVal: [Buffer.from(markdown)] },
          metadata: { pluginData: { pluginName: "text" } },
        },
      ],
    },
  });
