{
  # Settings of every target; node-gyp's own come from Node's headers (common.gypi).
  'target_defaults': {
    'cflags': ['-Wall', '-Wextra', '-Wconversion', '-O2'],
    # Whichever C++ standard Node was built with.
    'cflags_cc!': ['-std=gnu++14', '-std=gnu++17', '-std=gnu++20'],
    'cflags_cc': ['-std=c++20'],
  },
  'targets': [
    {
      # What one CPU answers, and what the kernel allows: loaded by src/probe/addon.ts.
      'target_name': 'cpugate_probe',
      'sources': [
        'cpu/affinity.cc',
        'cpu/cpuid.cc',
        'enforce/lock.cc',
        'enforce/replace.cc',
        'probe/addon.cc',
        'probe/child.cc',
        'probe/cpus.cc',
        'probe/enumerate.cc',
        'probe/faulting.cc',
        'probe/runtime.cc',
      ],
      # Each of these has a variant of functions that not every C library has.
      'defines!': ['_FILE_OFFSET_BITS=64', '_LARGEFILE_SOURCE'],
      'defines': [
        'NAPI_VERSION=8',
        'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
        # The headers' templates are compiled here, not taken from the C++ library.
        '_GLIBCXX_EXTERN_TEMPLATE=0',
      ],
      'cflags': ['-U_FORTIFY_SOURCE', '-fno-exceptions'],
      'cflags_cc': [
        '-fno-rtti',
        '-fno-threadsafe-statics',
        # As a system folder: warnings are for our files only.
        '-isystem',
        '<!(node -p "path.dirname(require.resolve(\'node-addon-api\'))")',
      ],
      # No library by name. What a compiler wants beyond runtime.cc comes from the archives.
      'ldflags': ['-nodefaultlibs', '-Wl,--version-script=<(module_root_dir)/probe/addon.map'],
      'libraries': ['-l:libstdc++.a', '-l:libgcc.a'],
    },
    {
      # What enforces a mask: found by src/enforce/supervisor.ts. Static, so that it runs in any
      # container, with any C library or none.
      'target_name': 'cpugate-supervisor',
      'type': 'executable',
      'include_dirs': ['include'],
      'sources': [
        'cpu/affinity.cc',
        'cpu/cpuid.cc',
        'probe/child.cc',
        'probe/enumerate.cc',
        'probe/faulting.cc',
        'supervisor/answer.cc',
        'supervisor/auxv.cc',
        'supervisor/complain.cc',
        'supervisor/control.cc',
        'supervisor/control_client.cc',
        'supervisor/cpuid_trap.cc',
        'supervisor/faulting_source.cc',
        'supervisor/guard.cc',
        'supervisor/holding.cc',
        'supervisor/instruction.cc',
        'supervisor/interrupted_call.cc',
        'supervisor/launch.cc',
        'supervisor/main.cc',
        'supervisor/mask.cc',
        'supervisor/measure.cc',
        'supervisor/memory.cc',
        'supervisor/options.cc',
        'supervisor/outsider.cc',
        'supervisor/pid_file.cc',
        'supervisor/printable.cc',
        'supervisor/probe.cc',
        'supervisor/process_handle.cc',
        'supervisor/processes.cc',
        'supervisor/refusals.cc',
        'supervisor/rewrite.cc',
        'supervisor/remote.cc',
        'supervisor/rseq.cc',
        'supervisor/runtime_folder.cc',
        'supervisor/segv_action.cc',
        'supervisor/self_arming.cc',
        'supervisor/session.cc',
        'supervisor/signals.cc',
        'supervisor/stat_file.cc',
        'supervisor/states.cc',
        'supervisor/supervisor.cc',
        'supervisor/task_cpu.cc',
        'supervisor/task_status.cc',
        'supervisor/tracee.cc',
        'supervisor/waits.cc',
      ],
      'cflags': ['-ffunction-sections', '-fdata-sections'],
      # Exports every symbol, for addons to link with; here it only takes memory.
      'ldflags!': ['-rdynamic'],
      'ldflags': ['-static', '-Wl,--gc-sections'],
    },
  ],
}
