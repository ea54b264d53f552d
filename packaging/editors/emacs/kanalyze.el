;;; kanalyze.el --- Kernel logs in a compilation buffer -*- lexical-binding: t; -*-

;;; Commentary:

;; Put this file into your `load-path' and kanalyze-quickfix into your PATH, then (require 'kanalyze) and M-x kanalyze.  `next-error' goes from report to report.

;;; Code:

(require 'compile)

(defvar kanalyze-program "kanalyze-quickfix"
  "The program.")

;;;###autoload
(defun kanalyze (log)
  "Read the kernel log LOG; each report is a line that leads to its place."
  (interactive "fKernel log: ")
  (compilation-start
   (mapconcat #'shell-quote-argument
              (list kanalyze-program (expand-file-name log))
              " ")
   nil
   (lambda (_mode) "*kanalyze*")))

(provide 'kanalyze)
;;; kanalyze.el ends here
