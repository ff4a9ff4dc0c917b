# SPDX-License-Identifier: MIT OR Apache-2.0
# RISC-V rv32imac bare metal, picolibc, laid out for QEMU's virt machine.
# Debian: gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv32)
set(CMAKE_C_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_CXX_COMPILER riscv64-unknown-elf-g++)
set(CMAKE_C_FLAGS_INIT "-march=rv32imac -mabi=ilp32 -mcmodel=medany --specs=picolibc.specs -ffunction-sections -fdata-sections")
set(CMAKE_CXX_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "--oslib=semihost --crt0=semihost -Wl,--gc-sections \
-Wl,--defsym=__flash=0x80000000 -Wl,--defsym=__flash_size=0x00400000 \
-Wl,--defsym=__ram=0x80400000 -Wl,--defsym=__ram_size=0x00400000 -Wl,--defsym=__stack_size=0x4000")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-system-riscv32 -M virt -bios none -nographic -monitor none
  -serial none -semihosting-config enable=on,target=native -kernel)
