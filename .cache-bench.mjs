import { native } from "./.cache-native.mjs";
import { gradientsOf } from "@verlet/backend";
import { CausalLM, isDecayed } from "@verlet/model"; import { AdamW } from "@verlet/optim"; import { Rng } from "@verlet/core";
const {tf}=await native();
console.log(tf.getBackend());
const lm=CausalLM.random({model_type:"qwen3",hidden_size:512,num_hidden_layers:8,num_attention_heads:8,num_key_value_heads:4,head_dim:64,intermediate_size:1536,vocab_size:8192,tie_word_embeddings:true,rms_norm_eps:1e-6},0);
const opt=new AdamW(lm.trainable,{learningRate:1e-4,beta1:.9,beta2:.999,epsilon:1e-8,weightDecay:0,maxGradNorm:1,schedule:{name:"constant",warmupSteps:0,totalSteps:100},isDecayed});
const rng=new Rng(1),B=4,T=256; 
const step=()=>{const ids=Int32Array.from({length:B*T},()=>3+rng.below(8000)); const pos=[]; for(let i=0;i<B*T;i++) if(i%T) pos.push(i);
 const t0=performance.now(); const {value,gradients}=gradientsOf(()=>tf.neg(tf.mean(lm.logProbs({ids,rows:B,width:T},{positions:Int32Array.from(pos)},{temperature:1}).logProbs)),lm.trainable.map(p=>p.variable));
 const l=value.dataSync()[0]; const t1=performance.now(); const m=opt.step(gradients); lm.trainable[0].variable.dataSync; tf.dispose([value,gradients]); const t2=performance.now(); return [t1-t0,t2-t1,l,m.grad_norm];};
for(let i=0;i<6;i++) console.log(step().map(x=>x.toFixed(2)).join(" "), tf.memory().numTensors);
console.log("rss",process.memoryUsage().rss/1e9);
for (const bs of [8,32]) { for(let k=0;k<2;k++){ const t=performance.now(); const o=await lm.generate(Array.from({length:bs},()=>[5]),{maxNewTokens:96,temperature:1,topP:1,topK:0,minP:0,repetitionPenalty:1,stopTokenIds:[]},rng); console.log(bs,(performance.now()-t)/96);} }
