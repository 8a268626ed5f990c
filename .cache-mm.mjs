import { native } from "./.cache-native.mjs";
const {tf,b}=await native();
const a=tf.randomNormal([2048,2048]), c=tf.randomNormal([2048,2048]);
for(let i=0;i<4;i++){const t=performance.now(); const r=tf.matMul(a,c); r.dataSync(); r.dispose(); const d=performance.now()-t; console.log("mm 2048", (2*2048**3/d/1e6).toFixed(0),"GFLOP/s");}
const x=tf.randomNormal([1024,1536]);
for(let i=0;i<4;i++){const t=performance.now(); for(let k=0;k<100;k++){const r=tf.mul(x,x); r.dispose();} console.log("mul 6MB",((performance.now()-t)/100).toFixed(3));}
const s=tf.scalar(1);
for(let i=0;i<3;i++){const t=performance.now(); for(let k=0;k<1000;k++){const r=tf.mul(s,s); r.dispose();} console.log("tiny op us",((performance.now()-t)).toFixed(3));}
const q=tf.randomNormal([4,4,512,64]),kk=tf.randomNormal([4,4,256,64]);
for(let i=0;i<3;i++){const t=performance.now(); for(let k=0;k<10;k++){const r=tf.matMul(q,kk,false,true); r.dispose();} console.log("attn mm",((performance.now()-t)/10).toFixed(3));}
