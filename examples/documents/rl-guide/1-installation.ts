/** 安装 → 验证安装: whether anything can be trained here, on what, and how it would be faster. */
import { checkTrlInstallation, getInstallationGuide, TRL_AVAILABLE } from "verlet";

if (TRL_AVAILABLE && (await checkTrlInstallation())) console.log("✅ 可以开始训练");
else console.log("❌ 没有可用的后端");

console.log(await getInstallationGuide());
