module cpugate.test/sees

go 1.19
