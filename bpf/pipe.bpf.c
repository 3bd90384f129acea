// SPDX-License-Identifier: GPL-2.0
/* Pipes, where no LSM hook looks: tee, splice between pipes, vmsplice, and the pipe's side of
 * sendfile and of splice from a file.
 *   get_pipe_info        each of them, with the file, before it moves anything
 *   splice_file_to_pipe  the pipe that a read of a file fills
 *   pipe_read            a read that had begun before the pipe got its labels
 *   elf_core_dump        a core on its way into a helper's pipe
 *   free_pipe_info       the pipe goes
 * each as tracing program and as probe, see AM_PROBE() in hook.h.
 * None of these can refuse. So labels follow the data, and what carries them is refused
 * where it goes next; what reaches somebody who may not read it is told as such. */
#include "took.h"
#include "hook.h"

/* What the file's pipe and the current task know of each other. */
AM_NOINLINE int pipe_met(struct file *file, __u64 pipe)
{
	__u32 mode = file->f_mode;
	struct am_object o = am_object_of_file(file);

	if (mode & FMODE_READ)
		am_took(&o, am_channel_labels(pipe), AM_ACT_TEE);
	if (mode & FMODE_WRITE)
		am_gave(&o, pipe, AM_ACT_TEE);
	return 0;
}

AM_INLINE int pipe_used(struct file *file)
{
	struct inode *inode = file->f_inode;
	__u64 pipe;

	if ((inode->i_mode & S_IFMT) != S_IFIFO)
		return 0;
	if (!am_have_channels() && !am_labels_of(am_leader_of(bpf_get_current_task_btf())))
		return 0;
	pipe = am_address(inode->i_pipe);
	return pipe ? pipe_met(file, pipe) : 0;
}

AM_ENTRY(am_pipe_use, get_pipe_info, struct file *file)
{
	return pipe_used(file);
}

AM_PROBE(am_pipe_use_p, get_pipe_info)
{
	pipe_used(AM_AS(struct file, PT_REGS_PARM1(ctx)));
	return AM_PROBE_ENDS;
}

/* Between the two the thread reads a file for this pipe: what it gains there, the pipe does. */
AM_INLINE int splice_begins(__u64 pipe)
{
	struct am_task *own = am_task_create(bpf_get_current_task_btf());

	if (own)
		own->channel = pipe;
	/* From 6.8 on the file has been asked about before: what the task gained then. */
	am_gave(NULL, pipe, AM_ACT_TEE);
	return 0;
}

AM_INLINE int splice_ends(void)
{
	struct am_task *own = am_task_of(bpf_get_current_task_btf());

	if (own)
		own->channel = 0;
	return 0;
}

AM_ENTRY(am_splice_in, splice_file_to_pipe, struct file *in, struct pipe_inode_info *pipe)
{
	return splice_begins(am_address(pipe));
}

SEC("?fexit/splice_file_to_pipe")
int BPF_PROG(am_splice_out, struct file *in, struct pipe_inode_info *pipe)
{
	return splice_ends();
}

AM_PROBE(am_splice_p, splice_file_to_pipe)
{
	if (am_session_is_return(ctx)) {
		splice_ends();
		return AM_PROBE_ENDS;
	}
	splice_begins(PT_REGS_PARM2(ctx));
	return AM_PROBE_RETURNS;
}

AM_NOINLINE int pipe_taken(struct file *file)
{
	struct am_object o = am_object_of_file(file);

	am_took(&o, am_channel_labels(am_address(file->f_inode->i_pipe)), AM_ACT_READ);
	return 0;
}

SEC("?fexit/pipe_read")
int BPF_PROG(am_pipe_read, struct kiocb *iocb)
{
	return am_have_channels() ? pipe_taken(iocb->ki_filp) : 0;
}

SEC("?fexit/anon_pipe_read")	/* from 6.15 on there are two of them */
int BPF_PROG(am_apipe_read, struct kiocb *iocb)
{
	return am_have_channels() ? pipe_taken(iocb->ki_filp) : 0;
}

SEC("?fexit/fifo_pipe_read")
int BPF_PROG(am_fifo_read, struct kiocb *iocb)
{
	return am_have_channels() ? pipe_taken(iocb->ki_filp) : 0;
}

/* The call keeps the file, so that it is still there when it returns. */
AM_INLINE int pipe_read_probed(struct pt_regs *ctx)
{
	__u64 *file = am_session_cookie(ctx);
	struct kiocb *iocb;

	if (!am_session_is_return(ctx)) {
		iocb = (struct kiocb *)PT_REGS_PARM1(ctx);
		*file = (__u64)BPF_CORE_READ(iocb, ki_filp);
		return AM_PROBE_RETURNS;
	}
	if (am_have_channels())
		pipe_taken(AM_AS(struct file, *file));
	return AM_PROBE_ENDS;
}

AM_PROBE(am_pipe_read_p, pipe_read)
{
	return pipe_read_probed(ctx);
}

AM_PROBE(am_apipe_read_p, anon_pipe_read)
{
	return pipe_read_probed(ctx);
}

AM_PROBE(am_fifo_read_p, fifo_pipe_read)
{
	return pipe_read_probed(ctx);
}

AM_INLINE int core_leaves(struct coredump_params *cprm)
{
	struct file *file = cprm->file;
	struct am_object o = am_object_of_file(file);

	if (am_object_kind(&o) == S_IFIFO)
		am_gave(&o, am_address(file->f_inode->i_pipe), AM_ACT_CORE);
	return 0;
}

AM_ENTRY(am_core_out, elf_core_dump, struct coredump_params *cprm)
{
	return core_leaves(cprm);
}

AM_PROBE(am_core_out_p, elf_core_dump)
{
	core_leaves(AM_AS(struct coredump_params, PT_REGS_PARM1(ctx)));
	return AM_PROBE_ENDS;
}

AM_ENTRY(am_pipe_free, free_pipe_info, struct pipe_inode_info *pipe)
{
	am_channel_forget((__u64)pipe);
	return 0;
}

AM_PROBE(am_pipe_free_p, free_pipe_info)
{
	am_channel_forget(PT_REGS_PARM1(ctx));
	return AM_PROBE_ENDS;
}
